"""What users write in PromQL, as a parser reads it: selectors that are selectors, and one namespace.

What is sent to Prometheus is what the parser has printed, so the two cannot disagree about what a
selector means.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Final

import promql_parser as promql

from bandit_operator.sources.base import Counter, Query

LABEL: Final = "namespace"
"""Label that says where a series was scraped."""
MOST_MARKS = 150
"""Most operators and brackets of a query that is bound: to go through its tree takes their cube."""
_MARKS = re.compile(r"[-+*/%^()<>=!]|\b(?:and|atan2|or|unless)\b")
_LONG_NUMBER = re.compile("[0-9]{19}")
"""The parser ends in a panic on a duration that is too long for it."""
_PLAIN_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")
"""A name of a label that needs no quotes."""
_STRING = re.compile(r"""\"(?:\\.|[^"\\])*\"|'(?:\\.|[^'\\])*'|`([^`]*)`|\#[^\n]*""", re.DOTALL)
"""Strings and comments; the group is what is inside of back quotes, which the parser cannot take all."""


def checked(counter: Counter, namespace: str | None) -> Counter:
    """The counter with a selector that is one, bound to a namespace where one is given.

    Counters that several namespaces share by design, as a gateway's, are left as they are.

    Raises:
        ValueError: The user's selector is something else; the message names the field.
    """
    selector = counter.selector
    if counter.field:
        selector = _of_field(counter.field, _selector, selector)
    if namespace is not None and not counter.shared:
        selector = _bound(selector, namespace)
    return replace(counter, selector=selector)


def bound(query: Query, namespace: str | None) -> Query:
    """The query with all its selectors bound to a namespace, or as it is where none is given.

    Raises:
        ValueError: The query cannot be read, or not be bound; the message names the field.
    """
    if namespace is None or query.shared:
        return query
    text = _of_field(query.field, lambda text: _bound(text, namespace), query.promql)
    return replace(query, promql=text)


def readable(query: Query) -> None:
    """See that a query is PromQL, whether or not it could be bound to a namespace.

    Raises:
        ValueError: It cannot be read; the message names the field.
    """
    _of_field(query.field, lambda text: str(_tree(text)), query.promql)


def _of_field(field: str, read: Callable[[str], str], text: str) -> str:
    try:
        return read(text)
    except ValueError as error:
        raise ValueError(f"spec.{field}: {error}") from error


@lru_cache(1024)
def _selector(text: str) -> str:
    tree = _tree(text)
    if not isinstance(tree, promql.VectorSelector) or tree.offset is not None or tree.at is not None:
        raise ValueError(
            "it is no plain selector of one counter; write it without functions, operators and ranges, as "
            'in model_reward_trials_total{route="income"}'
        )
    _refuse_alternatives(tree)
    return _printed(tree)


@lru_cache(1024)
def _bound(text: str, namespace: str) -> str:
    if len(_MARKS.findall(_STRING.sub("", text))) > MOST_MARKS:
        raise ValueError(f"it has more than {MOST_MARKS} operators and brackets; record it as a rule")
    own = promql.Matcher(promql.MatchOp.Equal, LABEL, namespace)

    def bind(node: promql.Expr) -> promql.Expr | None:
        if not isinstance(node, promql.VectorSelector):
            return None
        others = [_escaped(one) for one in node.matchers.matchers if one.name != LABEL]
        node.matchers = promql.Matchers([*others, own])
        return promql.parse(str(node))  # a node that is changed in place is not taken over

    tree = _tree(text)
    written = _allowed(tree)
    printed = _printed(promql.transform(tree, None, bind))
    sent = _allowed(_tree(printed))
    if len(sent) != len(written):
        raise ValueError("it cannot be bound to its namespace")
    for node in sent:
        if isinstance(node, promql.VectorSelector):
            namespaces = [str(one) for one in node.matchers.matchers if one.name == LABEL]
            if namespaces != [str(own)]:
                raise ValueError("it cannot be bound to its namespace")
    return printed


def _allowed(tree: promql.Expr) -> list[promql.Expr]:
    """The nodes of a tree that has nothing which could read another namespace."""
    nodes = _nodes(tree)
    for node in nodes:
        if isinstance(node, promql.Call) and node.func.name == "info":
            raise ValueError("it uses info(), which reads series of all namespaces")
        if isinstance(node, promql.VectorSelector):
            _refuse_alternatives(node)
    return nodes


def _tree(text: str) -> promql.Expr:
    if _LONG_NUMBER.search(_STRING.sub("", text)):
        raise ValueError("it has a number of more than 18 digits")
    plain = _STRING.sub(_without_back_quotes, text)
    try:
        return promql.parse(plain)
    except ValueError as error:
        raise ValueError(f"it cannot be read as PromQL: {error}") from error


def _refuse_alternatives(node: promql.VectorSelector) -> None:
    if node.matchers.or_matchers:
        raise ValueError("it joins matchers by or, which Prometheus does not know")


def _escaped(matcher: promql.Matcher) -> promql.Matcher:
    """The matcher as it stands in a text: of a node that is changed the parser prints name and value bare."""
    name, value = (json.dumps(one, ensure_ascii=False) for one in (matcher.name, matcher.value))
    is_plain = _PLAIN_NAME.fullmatch(matcher.name) is not None
    return promql.Matcher(matcher.op, matcher.name if is_plain else name, value[1:-1])


def _without_back_quotes(string: re.Match[str]) -> str:
    return string[0] if string[1] is None else json.dumps(string[1], ensure_ascii=False)


def _printed(tree: promql.Expr) -> str:
    text = tree.prettify()
    if promql.parse(text).prettify() != text:
        raise ValueError("it cannot be read and written again without a change")
    return text


def _nodes(tree: promql.Expr) -> list[promql.Expr]:
    nodes: list[promql.Expr] = []
    promql.walk(tree, nodes.append)
    return nodes
