"""Where the source makes errors, read from its syntax trees: class, codes, place."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("ledger", "projections", "consumers", "replay", "console")
BASE: Final = "LedgerError"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A call that makes an error; no ``codes``: its class's own.

    ``computed``: the code is no literal, so what it can be is not to be read here.
    """

    file: str
    line: int
    kind: str
    codes: tuple[str, ...]
    computed: bool


@cache
def nodes() -> tuple[tuple[str, ast.AST], ...]:
    """Every node of every file that can make an error, with the file's name."""
    return tuple(
        (str(path.relative_to(ROOT)), node)
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )


@cache
def error_classes() -> dict[str, str]:
    """Each class of errors and its default code; a subclass has its base's."""
    classes = [node for _, node in nodes() if isinstance(node, ast.ClassDef)]
    found = {BASE: ""}
    for _ in range(3):  # a subclass may stand before its base
        for node in classes:
            for base in node.bases:
                if isinstance(base, ast.Name) and base.id in found:
                    found[node.name] = _default(node) or found[base.id]
    return found


def sites() -> list[Site]:
    """Every call of a class of errors."""
    return [
        _site(file, node)
        for file, node in nodes()
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in error_classes()
    ]


def codes_handed_on() -> set[str]:
    """Every literal that some call or parameter calls ``code``."""
    found: set[str] = set()
    for _, node in nodes():
        if isinstance(node, ast.Call):
            for one in node.keywords:
                found.update(literals(one.value)[0] if one.arg == "code" else ())
        elif isinstance(node, ast.arguments):
            for name, value in zip(node.kwonlyargs, node.kw_defaults, strict=True):
                if name.arg == "code" and value is not None:
                    found.update(literals(value)[0])
    return found - {""}


def texts_of(package: str) -> set[str]:
    """Every string of a package."""
    return {
        node.value
        for file, node in nodes()
        if file.startswith(package + "/")
        and isinstance(node, ast.Constant)
        and isinstance(node.value, str)
    }


def literals(node: ast.expr) -> tuple[list[str], bool]:
    """The codes that an expression can be, and whether it can be others."""
    match node:
        case ast.Constant(value=str(code)):
            return [code], False
        case ast.IfExp(body=first, orelse=second):
            (one, open_one), (two, open_two) = literals(first), literals(second)
            return one + two, open_one or open_two
        case ast.Call(func=ast.Name(id="disk_code"), args=[_, code]):
            found, open_ = literals(code)
            return ["disk_full", *found], open_
        case _:
            return [], True


def _site(file: str, node: ast.Call) -> Site:
    assert isinstance(node.func, ast.Name)
    given = [one.value for one in node.keywords if one.arg == "code"]
    codes, computed = literals(given[0]) if given else ([], False)
    return Site(
        file=file,
        line=node.lineno,
        kind=node.func.id,
        codes=tuple(codes),
        computed=computed,
    )


def _default(node: ast.ClassDef) -> str:
    for one in _assigned(node):
        return one
    return ""


def _assigned(node: ast.ClassDef) -> Iterator[str]:
    for line in node.body:
        match line:
            case (
                ast.Assign(
                    targets=[ast.Name(id="default_code")],
                    value=ast.Constant(value=str(code)),
                )
                | ast.AnnAssign(
                    target=ast.Name(id="default_code"),
                    value=ast.Constant(value=str(code)),
                )
            ):
                yield code
            case _:
                pass
