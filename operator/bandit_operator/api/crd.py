"""The CustomResourceDefinition, generated from the models.

``python -m bandit_operator.api.crd`` prints it. A structural schema is narrower than JSON
Schema: no ``$ref``, no ``anyOf`` with null, no ``const``, boolean exclusive bounds.

Reference: Kubernetes, "Extend the Kubernetes API with CustomResourceDefinitions", section
"Specifying a structural schema".
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import yaml
from pydantic import BaseModel

from bandit_operator.api.kind import GROUP, KIND, PLURAL, SHORT_NAME, VERSION
from bandit_operator.api.rules import WRITTEN
from bandit_operator.api.v1alpha1 import BanditDeployment

Schema = dict[str, Any]

_HEADER = "# Generated from operator/bandit_operator/api by `make crds`; do not edit.\n"
_META = {
    "apiVersion": {
        "type": "string",
        "description": "API group and version of this object: bandit-operator.dev/v1alpha1.",
    },
    "kind": {"type": "string", "description": "Kind of this object: BanditDeployment."},
    "metadata": {"type": "object"},
}


def models_of(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Yield ``model`` and every model that its fields lead to."""
    yield model
    for field in model.model_fields.values():
        pending = [field.annotation]
        while pending:
            annotation = pending.pop()
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                yield from models_of(annotation)
            pending.extend(get_args(annotation))


class _Structural:
    """Turns JSON Schema as pydantic writes it into a structural schema."""

    def __init__(self, model: type[BaseModel]) -> None:
        self.models = {inner.__name__: inner for inner in models_of(model)}
        self.root: Schema = model.model_json_schema(by_alias=True, mode="validation")
        self.definitions: Mapping[str, Schema] = self.root.pop("$defs", {})

    def convert(self, node: Schema, model: type[BaseModel] | None = None) -> Schema:
        """Return ``node`` as a structural schema; ``model`` is the model it describes."""
        node, model = self._resolve(node, model)
        if "const" in node:
            node["enum"] = [node.pop("const")]
        for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
            if exclusive in node:
                node[bound], node[exclusive] = node[exclusive], True
        if node.get("default", 0) is None:
            del node["default"]
        if "description" in node:
            node["description"] = _one_line_each_paragraph(node["description"])
        written = node.pop(WRITTEN, "")
        if written and "description" in node:  # the values of a map have none of their own
            node["description"] = _with(node["description"], written)
        if "items" in node:
            node["items"] = self.convert(node["items"])
        if node.get("type", "object") == "object" and "x-kubernetes-int-or-string" not in node:
            self._convert_object(node, model)
        return node

    def _resolve(self, node: Schema, model: type[BaseModel] | None) -> tuple[Schema, type[BaseModel] | None]:
        """Return ``node`` without ``$ref``, ``title`` and unions with null."""
        node = {key: value for key, value in node.items() if key != "title"}
        if "anyOf" in node:
            options = [option for option in node.pop("anyOf") if option.get("type") != "null"]
            if len(options) != 1:
                raise TypeError(f"a union of {len(options)} types cannot be structural: {options}")
            node = {**options[0], **node}
        if "$ref" in node:
            name = node.pop("$ref").rpartition("/")[2]
            # What stands beside the reference is about this use, and more to the point.
            node = {**self.definitions[name], **node}
            model = self.models.get(name)
            return self._resolve(node, model)
        return node, model

    def _convert_object(self, node: Schema, model: type[BaseModel] | None) -> None:
        extra = node.pop("additionalProperties", None)
        node["type"] = "object"
        node.pop("propertyNames", None)
        if "properties" in node:
            node["properties"] = {name: self.convert(child) for name, child in node["properties"].items()}
            if model is not None:
                self._add_model(node, model)
        elif isinstance(extra, dict):
            node["additionalProperties"] = self.convert(extra)
        else:
            node["x-kubernetes-preserve-unknown-fields"] = True

    def _add_model(self, node: Schema, model: type[BaseModel]) -> None:
        for name, field in model.model_fields.items():
            if field.default_factory is not None:
                # In full, because the API server checks it against the rules as it stands,
                # before the defaults of the fields below are filled in.
                default = field.get_default(call_default_factory=True)
                value = default.model_dump(by_alias=True, exclude_none=True, mode="json")
                node["properties"][field.alias or name]["default"] = value
        rules: tuple[Any, ...] = getattr(model, "RULES", ())
        if rules:
            node["x-kubernetes-validations"] = [rule.schema() for rule in rules]


def _one_line_each_paragraph(text: str) -> str:
    """Undo the line breaks of the source, but keep paragraphs and list items."""
    paragraphs = []
    for paragraph in text.strip().split("\n\n"):
        lines: list[str] = []
        for line in paragraph.split("\n"):
            if lines and not line.lstrip().startswith("- "):
                lines[-1] += f" {line.strip()}"
            else:
                lines.append(line.strip())
        paragraphs.append("\n".join(lines))
    return "\n\n".join(paragraphs)


def _with(text: str, sentence: str) -> str:
    """A description with one more sentence, which is part of no list."""
    between = "\n\n" if text.rpartition("\n")[2].startswith("- ") else " "
    return f"{text}{between}{sentence}"


def _name_defaults(node: Schema) -> None:
    """Let descriptions name the defaults, which ``kubectl explain`` does not print by itself."""
    text, default = node.get("description", ""), node.get("default")
    if default not in (None, "") and not isinstance(default, dict | list) and "Default:" not in text:
        value = default if isinstance(default, str) else json.dumps(default)
        node["description"] = _with(text, f"Default: {value}.")
    for child in _inside(node):
        _name_defaults(child)


def _drop_defaults_of_lists(node: Schema, *, inside: bool = False) -> None:
    """Leave out the defaults of what is in an atomic list: the operator knows them without being told.

    Such a list is one value. Filled in by the API server it differs from what was applied, and whoever
    compares the two, as Argo CD does, applies it again for ever.
    """
    if inside:
        node.pop("default", None)
    for child in _inside(node):
        _drop_defaults_of_lists(child, inside=inside or node.get("x-kubernetes-list-type") == "atomic")


def _inside(node: Schema) -> list[Schema]:
    """What is directly inside of it."""
    parts = (*node.get("properties", {}).values(), node.get("items"), node.get("additionalProperties"))
    return [part for part in parts if isinstance(part, dict)]


def schema() -> Schema:
    """Return the structural schema of a BanditDeployment."""
    structural = _Structural(BanditDeployment)
    root = structural.convert(structural.root, BanditDeployment)
    root["properties"] = {**_META, "spec": root["properties"]["spec"], "status": root["properties"]["status"]}
    _name_defaults(root["properties"]["spec"])
    _drop_defaults_of_lists(root["properties"]["spec"])
    root["required"] = ["spec"]
    return root


def _column(name: str, path: str, description: str, kind: str = "string", priority: int = 0) -> Schema:
    column: Schema = {"name": name, "type": kind, "jsonPath": path, "description": description}
    if priority:
        column["priority"] = priority
    return column


def columns() -> list[Schema]:
    """Return the columns of ``kubectl get bd``: who leads, how sure that is, and whether it is safe."""
    ready = ".status.conditions[?(@.type=='Ready')]"
    return [
        _column("Phase", ".status.phase", "The state of the whole in one word."),
        _column("Leader", ".status.leader", "Arm that is most probably best."),
        _column("Share", ".status.leaderShare", "Share of the traffic that the leader is meant to have."),
        _column("Certainty", ".status.certainty", "Probability that the leader is the best arm."),
        _column("Ready", f"{ready}.status", "Whether traffic is where the operator wants it."),
        _column("Reason", f"{ready}.reason", "Why it is ready or not."),
        _column("Acted", ".status.lastAct", "How long ago anything was done.", "date"),
        _column("Evidence", ".status.evidence", "Against whom it is strongest, and the bar.", priority=1),
        _column("Since", f"{ready}.lastTransitionTime", "How long it has been so.", "date", priority=1),
        _column("Looked", ".status.lookedAt", "How long ago the operator looked at it.", "date", priority=1),
        _column("Strategy", ".spec.strategy.type", "What chooses the weights.", priority=1),
        _column("Scores", ".status.scoresTrust", "How much validation scores are still trusted.", priority=1),
        _column("Route", ".status.route", "Route whose weights are moved.", priority=1),
        _column("Age", ".metadata.creationTimestamp", "How long the resource has been there.", "date"),
    ]


def crd() -> Schema:
    """Return the CustomResourceDefinition."""
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "selectableFields": [{"jsonPath": ".spec.traffic.routeRef.name"}],
        "additionalPrinterColumns": columns(),
        "schema": {"openAPIV3Schema": schema()},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": KIND.lower(),
                "shortNames": [SHORT_NAME],
                "categories": ["all"],
            },
            "versions": [version],
        },
    }


class _Dumper(yaml.SafeDumper):
    """Writes no anchors and aliases, which kubectl's reader forbids in places."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the name and signature are PyYAML's
        """Return True: repeat what is repeated."""
        return True


def text() -> str:
    """Return the CustomResourceDefinition as YAML, with a note where it comes from."""
    body: str = yaml.dump(crd(), Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)
    return _HEADER + body


if __name__ == "__main__":
    sys.stdout.write(text())
