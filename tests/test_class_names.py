"""One name for one thing: no class name stands for two classes of the project."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("lenet", "diagnostics", "reports", "benchmarks", "tests")
STATEMENT = re.compile(r"^ *class (\w+)", re.MULTILINE)


def classes(source: str) -> list[str]:
    """The names of all classes in a file, inner ones too; an alias is no class."""
    return [node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)]


def test_no_class_name_occurs_twice() -> None:
    sources = {
        path: path.read_text(encoding="utf-8") for package in PACKAGES for path in (ROOT / package).rglob("*.py")
    }
    lines = [(name, path) for path, source in sources.items() for name in STATEMENT.findall(source)]
    known = Counter(name for name, _ in lines)
    # Only files with a line for a class of the same name are parsed, which takes long; such a line may be text.
    suspects = {path for name, path in lines if known[name] > 1}
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(suspects):
        for name in classes(sources[path]):
            found[name].append(str(path.relative_to(ROOT)))

    assert len(known) > 200
    assert {name: places for name, places in found.items() if len(places) > 1} == {}


def test_an_inner_class_counts_and_an_alias_does_not() -> None:
    assert classes("class A:\n    class B: ...\nC = A\n") == ["A", "B"]
