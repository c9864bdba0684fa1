"""The row of a step whose statistics were computed elsewhere: every number in its column, and nothing unrecorded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from diagnostics.adapters.vector_meter import VectorMeter
from diagnostics.schema.columns import KINDS, Columns
from diagnostics.schema.measures import TENSOR_STATISTICS
from lenet.hooks import StepEnd
from tests.helpers import synthetic_runs as synthetic

EVENT = StepEnd(3, 1, 3, 2.5, 2.25, 0.25, 0.5, 0.1, 0.01, 128)
LACKS = ("inputs", "activations", "penalty")


def test_each_number_stands_in_its_column_and_what_is_not_recorded_in_none() -> None:
    whole = synthetic.healthy(60).info
    tensors = whole.tensors
    info = replace(whole, layers=(), recorded_columns=Columns.declare(tensors, (), without=LACKS))
    numbers = 1 + np.arange(len(KINDS) * len(TENSOR_STATISTICS) * len(tensors), dtype=np.float32)

    row = VectorMeter(info, lambda: numbers).finish(EVENT)

    known = dict(zip(info.columns.names, row.tolist(), strict=True))
    per_name = iter(numbers.tolist())
    for kind in KINDS:
        for statistic in TENSOR_STATISTICS:
            for tensor in tensors:
                assert known[f"{tensor.layer}/{tensor.tensor}/{kind}/{statistic.name}"] == next(per_name)
    assert known["data_loss"] == 2.25
    assert "penalty" not in known
    first = f"{tensors[0].layer}/{tensors[0].tensor}"
    assert known[f"{first}/update/ratio"] == np.float32(known[f"{first}/update/norm"] / known[f"{first}/value/norm"])
