"""One name for one thing: no class name stands for two classes of the project."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("lenet", "diagnostics", "reports", "benchmarks", "tests")
HOLDS_STATEMENTS = (ast.stmt, ast.excepthandler, ast.match_case)
"""No expression holds a class; most of a file are expressions."""


def classes(source: str) -> list[str]:
    """The names of all classes in a file, inner ones too; an alias is no class."""
    found: list[str] = []
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.ClassDef):
            found.append(node.name)
        waiting += [child for child in ast.iter_child_nodes(node) if isinstance(child, HOLDS_STATEMENTS)]
    return found


def test_no_class_name_occurs_twice() -> None:
    found: dict[str, list[str]] = defaultdict(list)
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for name in classes(path.read_text(encoding="utf-8")):
                found[name].append(str(path.relative_to(ROOT)))

    assert len(found) > 200
    assert {name: places for name, places in found.items() if len(places) > 1} == {}


def test_an_inner_class_counts_and_an_alias_does_not() -> None:
    assert classes("class A:\n    class B: ...\nC = A\n") == ["A", "B"]
