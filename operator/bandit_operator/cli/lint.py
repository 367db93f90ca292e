"""``bandit-operator lint``: what is wrong with a manifest, without a cluster."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import click
from pydantic import ValidationError

from bandit_operator.adapters.documents import Unreadable
from bandit_operator.api import crd
from bandit_operator.api.faults import sentence
from bandit_operator.api.fields import ApiModel, ObjectName
from bandit_operator.api.kind import GROUP, KIND
from bandit_operator.api.route_template import KEY, LabelValue
from bandit_operator.api.v1alpha1 import faults_of, parse
from bandit_operator.cli.manifests import objects_in
from bandit_operator.cli.output import say
from bandit_operator.cli.unreadable import unreadable

ONLY_THE_SERVER = (
    "not checked here: that the route in spec.traffic is not changed,"
    " and that route, backends and scale targets exist"
)


class _Metadata(ApiModel):
    """What every object has, as far as people write it."""

    name: ObjectName
    labels: dict[str, LabelValue] | None = None
    annotations: dict[str, str] | None = None


class _Envelope(ApiModel):
    """What the API server looks at before it knows the definition, so that no definition has it."""

    api_version: Literal["bandit-operator.dev/v1alpha1"]
    kind: Literal["BanditDeployment"]
    metadata: _Metadata


@click.command()
@click.option(
    "-f",
    "--file",
    "files",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
    required=True,
    multiple=True,
    help="Manifest; - is standard input.",
)
def lint(files: tuple[str, ...]) -> None:
    """Say everything that is wrong with manifests: field, value and fix. No cluster is needed.

    Exit code 0: nothing is wrong; 1: something is.

    \b
      bandit-operator lint -f income.yaml
    """  # noqa: D301 - the mark that keeps click from wrapping lines is the character, not its escape
    faults = [fault for file in files for fault in _faults(file)]
    for fault in faults:
        say(fault)
    say(f"{len(faults) or 'no'} fault{'' if len(faults) == 1 else 's'}; {ONLY_THE_SERVER}")
    raise SystemExit(1 if faults else 0)


def _faults(file: str) -> Iterator[str]:
    try:
        bodies = objects_in(file)
    except Unreadable as error:
        yield str(error)
        return
    name = "standard input" if file == "-" else file
    resources = [body for body in bodies if isinstance(body, Mapping) and _is_meant(body)]
    if not resources:
        yield f"{name}: it has no {KIND}; write apiVersion and kind as bandit-operator init does"
    for body in resources:
        metadata = body.get("metadata")
        of = metadata.get("name") if isinstance(metadata, Mapping) else None
        faults = dict.fromkeys((*_around(body), *(faults_of(body) or unreadable(parse(body)))))
        for fault in (*faults, *_bad_keys(metadata), *unknown_fields(body, _schema())):
            yield f"{name}: {of or 'without a name'}: {fault}"


def _is_meant(body: Mapping[str, Any]) -> bool:
    """Whether a document is to be a resource, be it with another version or a kind that is misspelt."""
    group = str(body.get("apiVersion")).partition("/")[0]
    return group == GROUP or str(body.get("kind")).lower() == KIND.lower()


def _around(body: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong outside of the spec."""
    try:
        _Envelope.model_validate(body)
    except ValidationError as error:
        yield from (sentence(fault, _Envelope) for fault in error.errors())


def _bad_keys(metadata: Any) -> Iterator[str]:
    """Yield what is wrong with the keys of labels and annotations."""
    for field in ("labels", "annotations"):
        texts = metadata.get(field) if isinstance(metadata, Mapping) else None
        for key in texts if isinstance(texts, Mapping) else ():
            try:
                KEY.check(str(key))
            except ValueError as error:
                yield f"metadata.{field}: {error}"


_METADATA = frozenset(
    {
        "name",
        "generateName",
        "namespace",
        "labels",
        "annotations",
        "ownerReferences",
        "finalizers",
        # and those that the API server sets itself
        "uid",
        "selfLink",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "managedFields",
    }
)
"""Fields of metadata, https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/"""


def _schema() -> Mapping[str, Any]:
    """The definition with what the API server knows besides."""
    around: dict[str, Any] = {"apiVersion": {}, "kind": {}, "status": {}}
    metadata: dict[str, Any] = {"properties": {field: {} for field in _METADATA}}
    return {"properties": {**around, "metadata": metadata, "spec": crd.schema()["properties"]["spec"]}}


def unknown_fields(value: Any, schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield the fields that the definition lacks, which the API server refuses or drops."""
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from unknown_fields(item, schema["items"], f"{path}[{index}]")
    if not isinstance(value, Mapping) or "properties" not in schema:
        return
    known = schema["properties"]
    for name, inner in value.items():
        if name in known:
            yield from unknown_fields(inner, known[name], f"{path}.{name}".removeprefix("."))
            continue
        near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.6)
        fix = f"write {near[0]}" if near else f"known here are {', '.join(sorted(known))}"
        yield f"{path}.{name}".removeprefix(".") + f": there is no such field; {fix}"
