"""No module imports itself by way of others, imports that only a type checker reads included."""

from __future__ import annotations

from pathlib import Path

import grimp
import pytest

PACKAGES = ("lenet", "diagnostics", "reports", "benchmarks")


def circles(graph: grimp.ImportGraph) -> list[set[str]]:
    """The groups of modules that import one another."""
    reached = {module: graph.find_upstream_modules(module) for module in graph.modules}
    groups = {
        frozenset({module, *(other for other in reached[module] if module in reached[other])})
        for module in graph.modules
    }
    return [set(group) for group in groups if len(group) > 1]


def test_no_package_contains_an_import_circle() -> None:
    assert circles(grimp.build_graph(*PACKAGES, cache_dir=None)) == []


@pytest.mark.parametrize(
    "upwards", ["import one.a", "from typing import TYPE_CHECKING\nif TYPE_CHECKING: import one.a"]
)
def test_a_circle_is_found(upwards: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one").mkdir()
    for name, code in {
        "__init__": "",
        "a": "import one.b",
        "b": "import one.c",
        "c": upwards,
        "d": "import one.a",
    }.items():
        (tmp_path / "one" / f"{name}.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)

    assert circles(grimp.build_graph("one", cache_dir=None)) == [{"one.a", "one.b", "one.c"}]
