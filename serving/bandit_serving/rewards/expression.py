"""A formula written by the user, checked before it is used."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import pydantic

from bandit_serving.rewards.base import RewardFunction, number

MOST_CHARACTERS = 500
Value = float | str
Names = Mapping[str, Any]
Compiled = Callable[[Names], Value]

_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_FUNCTIONS: dict[str, Callable[..., float]] = {
    "abs": abs,
    "exp": math.exp,
    "log": math.log,
    "max": max,
    "min": min,
    "sqrt": math.sqrt,
}


class Expression(RewardFunction):
    """r = the formula, cut to [0, 1]. Reward type Bounded.

    The formula may use ``label``, the outputs by name (``predict``, ``predict_proba[1]``), numbers, texts,
    ``+ - * /``, comparisons, and, or, not, ``A if CONDITION else B``, and abs, exp, log, max, min, sqrt.
    Comparisons give 1 or 0, and so do booleans. It is parsed, never handed to Python. Where it has no value
    for a request (a division by zero, a text where a number is needed) the request is no trial.
    """

    formula: str = pydantic.Field(max_length=MOST_CHARACTERS)
    """E.g. "1 if predict == label else 0.2 * (label == 0)"."""
    _compiled: Compiled = pydantic.PrivateAttr()
    _needed: frozenset[str] = pydantic.PrivateAttr()

    def model_post_init(self, _context: Any) -> None:
        """Parse the formula; ValueError says what is not allowed and where."""
        try:
            tree = ast.parse(self.formula.strip(), mode="eval")
        except (SyntaxError, RecursionError, MemoryError) as error:
            raise ValueError(f"formula: {self.formula!r} cannot be parsed: {error}") from error
        self._compiled = _compile(tree.body)
        called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called}
        self._needed = frozenset(names - {"label"})

    def check_outputs(self, outputs: Mapping[str, Any]) -> None:
        """Require every output that the formula names."""
        missing = sorted(self._needed - set(outputs))
        if missing:
            raise ValueError(f"{', '.join(missing)} missing, which the formula {self.formula!r} uses")

    def check_label(self, label: Any) -> None:
        """Require a number, a text or a boolean."""
        if not isinstance(label, str | bool):
            number(label)

    def reward(self, outputs: Mapping[str, Any], label: Any) -> float | None:
        """Return the value of the formula cut to [0, 1], or None where it has none."""
        try:
            value = float(_numeric(self._compiled({**outputs, "label": label})))
        except (ArithmeticError, ValueError, LookupError, RecursionError):
            return None
        return None if math.isnan(value) else min(max(value, 0.0), 1.0)


def _numeric(value: Any) -> float:
    return float(value) if isinstance(value, bool) else number(value)


def _plain(value: Any) -> Value:
    return value if isinstance(value, str) else _numeric(value)


def _compile(node: ast.expr) -> Compiled:
    """Turn a syntax tree into a function of the names; every kind of node not listed is refused."""
    match node:
        case ast.Constant(value=bool() | int() | float() | str() as constant):
            fixed = _plain(constant)
            return lambda _names: fixed
        case ast.Name(id=name):
            return lambda names: _plain(names[name])
        case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=int() as index)):
            return lambda names: _plain(_item(names[name], index))
        case ast.BinOp(op=op, left=left, right=right) if type(op) in _ARITHMETIC:
            combine, first, second = _ARITHMETIC[type(op)], _compile(left), _compile(right)
            return lambda names: combine(_numeric(first(names)), _numeric(second(names)))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = _compile(operand)
            return lambda names: -_numeric(inner(names))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = _compile(operand)
            return lambda names: float(not inner(names))
        case ast.BoolOp(op=op, values=values):
            parts = [_compile(value) for value in values]
            decide = all if isinstance(op, ast.And) else any
            return lambda names: float(decide(part(names) for part in parts))
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
            compare, first, second = _COMPARISONS[type(op)], _compile(left), _compile(right)
            return lambda names: float(_compare(compare, first(names), second(names)))
        case ast.IfExp(test=test, body=body, orelse=orelse):
            condition, then, other = _compile(test), _compile(body), _compile(orelse)
            return lambda names: then(names) if condition(names) else other(names)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS and args:
            function, parts = _FUNCTIONS[name], [_compile(argument) for argument in args]
            return lambda names: float(_call(function, [_numeric(part(names)) for part in parts]))
    text = ast.unparse(node)
    raise ValueError(
        f"formula: {text!r} is not allowed; take names, numbers, + - * /, one comparison at a time,"
        f" and, or, not, if else, and the functions {', '.join(_FUNCTIONS)}"
    )


def _item(value: Any, index: int) -> Any:
    if not isinstance(value, list):
        raise ValueError(f"{value!r} is no list")
    return value[index]


def _compare(compare: Callable[[Any, Any], bool], first: Value, second: Value) -> bool:
    if isinstance(first, str) != isinstance(second, str):
        raise ValueError("a text cannot be compared with a number")
    return compare(first, second)


def _call(function: Callable[..., float], arguments: list[float]) -> float:
    try:
        return function(*arguments)
    except TypeError as error:  # a wrong number of arguments
        raise ValueError(str(error)) from error
