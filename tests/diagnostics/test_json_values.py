"""Values as JSON has them."""

from __future__ import annotations

import json
import math

import numpy as np

from diagnostics.detect.findings import Verdict
from diagnostics.json_values import finite, plain


def test_nan_and_infinities_are_null_enums_text_and_tuples_lists_at_any_depth() -> None:
    value = {
        "a": (math.nan, [math.inf, {"b": -math.inf}]),
        "v": Verdict.HEALTHY,
        "x": np.float64(0.5),
        "n": 3,
        "t": True,
    }

    made = plain(value)

    assert made == {"a": [None, [None, {"b": None}]], "v": "healthy", "x": 0.5, "n": 3, "t": True}
    assert type(made["v"]) is str
    assert json.loads(json.dumps(made, allow_nan=False)) == made


def test_a_number_that_is_finite_stays_as_it_is() -> None:
    assert finite(0.25) == 0.25
    assert finite(math.nan) is None
