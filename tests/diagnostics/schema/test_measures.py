"""A measure is declared once: one entry more, or another order, needs no other change."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from diagnostics.log.reader import open_run
from diagnostics.schema.columns import KINDS, Columns
from diagnostics.schema.measures import ACTIVATION_STATISTICS, RATIO, SCALARS, TENSOR_STATISTICS, others, positions
from diagnostics.schema.window import window_steps
from tests.helpers.edited_declarations import recorded_with
from tests.helpers.small_runs import small_info

MODULE = "diagnostics.schema.measures"
END = "\n\ndef positions("
REVERSED = "\n".join(f"{name} = {name}[::-1]" for name in ("SCALARS", "TENSOR_STATISTICS", "ACTIVATION_STATISTICS"))


@pytest.fixture(scope="module")
def as_declared(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return recorded_with(MODULE, [], tmp_path_factory.mktemp("declared") / "run.h5")


def column(found: dict[str, Any], frame: str, name: str) -> NDArray[np.float64]:
    """A column of a frame, in order; NaN where JSON has null."""
    return np.array(list(found["frames"][frame][name].values()), dtype=np.float64)


@pytest.fixture(scope="module")
def in_another_order(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The log of a training with the declarations in another order, and what its process read of it."""
    log = tmp_path_factory.mktemp("reversed") / "run.h5"
    return log, recorded_with(MODULE, [(END, f"\n{REVERSED}\n{END}")], log)


def test_another_order_of_the_declarations_changes_no_number(
    in_another_order: tuple[Path, dict[str, Any]], as_declared: dict[str, Any]
) -> None:
    found = in_another_order[1]

    assert found["columns"] != as_declared["columns"]
    assert sorted(found["columns"]) == sorted(as_declared["columns"])
    for frame, columns in as_declared["frames"].items():
        for name in set(columns) - {"seconds", "wall"}:
            assert found["frames"][frame][name] == columns[name], (frame, name)


def test_a_log_of_another_order_is_read_as_it_was_written(
    in_another_order: tuple[Path, dict[str, Any]], as_declared: dict[str, Any]
) -> None:
    run = open_run(in_another_order[0])

    np.testing.assert_allclose(run.steps["loss"], column(as_declared, "steps", "loss"))
    np.testing.assert_allclose(run.tensors["norm"], column(as_declared, "tensors", "norm"))
    assert str(run.verdict) == "undecided"


NEW_MEASURES = {
    "steps": (
        "SCALARS",
        'Measure("doubled", "nats", "twice the loss", lambda step: 2 * step.loss)',
        lambda known: 2 * known("loss"),
    ),
    "tensors": (
        "TENSOR_STATISTICS",
        'Measure("rms", "1", "root of the mean square", lambda x: (x @ x / x.size) ** 0.5)',
        lambda known: np.hypot(known("mean"), known("std")),
    ),
    "activations": (
        "ACTIVATION_STATISTICS",
        'Measure("square", "1", "mean square of the outputs", lambda outputs: (outputs.sample ** 2).mean())',
        lambda known: known("mean") ** 2 + known("std") ** 2,
    ),
}


@pytest.mark.parametrize("frame", NEW_MEASURES)
def test_one_new_entry_is_in_the_frames_the_file_and_the_page(
    frame: str, tmp_path: Path, as_declared: dict[str, Any]
) -> None:
    declaration, entry, expected = NEW_MEASURES[frame]
    name, unit, meaning = entry.split('"')[1:6:2]

    edit = (f"\n{declaration} = (", f"\n{declaration} = (\n    {entry},")
    found = recorded_with(MODULE, [edit], tmp_path / "run.h5")

    assert f"| `{name}` | {unit} | {meaning} |" in found["page"]
    added = set(found["columns"]) - set(as_declared["columns"])
    assert {column.split("/")[-1] for column in added} == {name}
    values = column(found, frame, name)
    np.testing.assert_allclose(values, expected(partial(column, as_declared, frame)), rtol=1e-4, atol=1e-7)
    for other in set(as_declared["frames"][frame]) - {"seconds", "wall"}:
        assert found["frames"][frame][other] == as_declared["frames"][frame][other]
    # This process does not know the measure; it shows what the log has.
    np.testing.assert_allclose(getattr(open_run(tmp_path / "run.h5"), frame)[name], values)


def test_the_blocks_of_a_row_are_where_its_columns_are() -> None:
    info = small_info()
    columns = Columns.declare(info.tensors, info.layers)
    row = np.arange(len(columns), dtype=np.float32)

    blocks = columns.blocks(row)

    for place, scalar in enumerate(SCALARS):
        assert blocks.scalars[place] == columns.scalar(scalar.name)
    for t, (layer, tensor) in enumerate(columns.tensors):
        assert blocks.ratios[t] == columns.tensor(layer, tensor, "update", RATIO.name)
        for k, kind in enumerate(KINDS):
            for s, statistic in enumerate(TENSOR_STATISTICS):
                assert blocks.tensors[k, s, t] == columns.tensor(layer, tensor, kind, statistic.name)
    for la, layer in enumerate(columns.layers):
        for s, statistic in enumerate(ACTIVATION_STATISTICS):
            assert blocks.activations[s, la] == columns.activation(layer, statistic.name)
    blocks.tensors[0, 0, 0] = -1
    assert row.min() == -1


def test_measures_are_found_by_name_wherever_they_stand() -> None:
    assert positions(SCALARS[::-1], "loss", "samples") == (len(SCALARS) - 1, 0)
    assert [one.name for _, one in others(SCALARS[:3], "data_loss")] == ["loss", "penalty"]
    with pytest.raises(ValueError, match="missing"):
        positions(SCALARS, "missing")


def test_the_window_is_2560_samples_in_20_to_200_steps() -> None:
    assert [window_steps(batch) for batch in (128, 8, 500, 100, 60_000)] == [20, 200, 20, 26, 20]
    assert [window_steps(batch, 5, 100) for batch in (128, 8, 15)] == [5, 13, 7]
