"""The notebook of docs/ is committed as it was executed, and every cell of it runs."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

from docs import notebook


def outputs(executed: Any) -> str:
    """All that the cells print or show as text."""
    shown = [one for cell in executed.cells if cell.cell_type == "code" for one in cell.outputs]
    return "\n".join(one.get("text") or one["data"].get("text/html", "") for one in shown)


def check(executed: Any) -> None:
    """A run died, a card and five pictures show how, and the same run lives with the remedy."""
    code = [cell for cell in executed.cells if cell.cell_type == "code"]
    pictures = [one["data"]["image/png"] for cell in code for one in cell.outputs if "image/png" in one.get("data", {})]
    told = outputs(executed)

    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert all(base64.b64decode(picture).startswith(b"\x89PNG") for picture in pictures)
    assert len(pictures) == 4
    assert "(a defect run)" in told
    assert re.search(r"no change, another order of the samples: \d+ of 10 lived", told)
    assert "Run saved: 200 recorded steps, completed" in told


def test_the_committed_notebook_shows_what_it_is_about() -> None:
    committed = notebook.read()

    nbformat.validate(committed)
    check(committed)
    assert str(notebook.NOTEBOOK.parents[1]) not in str(committed), "no folder of the machine"
    assert len(notebook.NOTEBOOK.read_bytes()) < 1_000_000
    links = re.findall(
        r"\]\((\S+?)\)", "\n".join(cell.source for cell in committed.cells if cell.cell_type == "markdown")
    )
    assert [link for link in links if not (notebook.NOTEBOOK.parent / link).exists()] == []


@pytest.mark.package  # runs are trained until one dies, and a rescue trains twenty more
def test_every_cell_of_the_notebook_runs() -> None:
    fresh = notebook.read()
    for cell in fresh.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None

    check(notebook.execute(fresh))


def test_nothing_but_the_notebook_needs_a_notebook(tmp_path: Path) -> None:
    lines = (Path(notebook.__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    needed = lines.split("dependencies = [")[1].split("]")[0]

    assert "nbclient" not in needed
    assert "ipykernel" not in needed
