"""Jupyter notebooks: what their cells printed and showed."""

from __future__ import annotations

import json

import pytest

from diagnostics.errors import LogError
from diagnostics.imports import import_runs
from tests.helpers.tool_logs import curve, write_keras_progress

TABLE = "<table><thead><tr style='left'><th>epoch</th><th>train_loss</th><th>valid_loss</th></tr></thead>{}</table>"
ROW = "<tr>\n<td>{}</td>\n<td>{}</td><td>0.7</td></tr>"


def write(path, *outputs):
    """A notebook with a cell for each output."""
    cells = [{"cell_type": "code", "outputs": [one]} for one in outputs]
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": ["# Run"]}, *cells], "nbformat": 4}))
    return path


def stream(*lines):
    return {"output_type": "stream", "name": "stdout", "text": list(lines)}


def test_cells_with_bars_and_tables_are_runs_of_their_own(tmp_path):
    keras = write_keras_progress(tmp_path / "fit.txt", curve()).read_text()
    html = TABLE.format("".join(ROW.format(epoch, 1 / (1 + epoch)) for epoch in range(4)))
    shown = {"output_type": "display_data", "data": {"text/html": [html], "text/plain": ["<HTML object>"]}}
    [alone] = import_runs(write(tmp_path / "run.ipynb", stream("hello"), shown))
    runs = import_runs(write(tmp_path / "run.ipynb", stream(keras), shown))

    assert (alone.name, len(alone)) == ("run", 4)
    assert [run.name for run in runs] == ["run-cell-2", "run-cell-3"]
    assert runs[1].steps["loss"].tolist() == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4])
    assert runs[1].validations["loss"].tolist() == pytest.approx([0.7] * 4)


@pytest.mark.parametrize("outputs", [[], [stream("no number")], [stream("epoch 1 acc 0.5\nepoch 2 acc 0.6")]])
def test_a_notebook_without_a_loss_is_told(tmp_path, outputs):
    with pytest.raises(LogError, match="cannot be read as Jupyter notebook: none of its cells shows a loss"):
        import_runs(write(tmp_path / "run.ipynb", *outputs))
