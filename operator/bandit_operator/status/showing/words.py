"""What a reason means, in the words of the table of reasons itself."""

from __future__ import annotations

import ast
import functools
import inspect
import itertools

from bandit_operator.core import reasons


@functools.cache
def _meanings() -> dict[str, str]:
    """The text below each reason, by its word."""
    body = ast.parse(inspect.getsource(reasons)).body
    meanings = {}
    for constant, text in itertools.pairwise(body):
        match constant, text:
            case ast.AnnAssign(value=ast.Constant(value=str(word))), ast.Expr(ast.Constant(value=str(said))):
                meanings[word] = " ".join(said.split())
            case _:
                continue
    return meanings


def meaning(reason: str | None) -> str:
    """What a reason means; the reason itself where it is none of ours."""
    return _meanings().get(reason or "", reason or "")
