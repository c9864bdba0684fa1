"""Early warnings: said at once, not repeated, never a verdict."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from diagnostics.detect.detector import DEFAULT_THRESHOLDS
from diagnostics.detect.early_warnings import RULE, EarlyWarnings
from diagnostics.detect.findings import Verdict
from diagnostics.schema.columns import Columns
from tests.helpers.judged_rows import info, judge, piecewise, rows

T = np.arange(400)
SIGNS = {
    "gradient": {
        "dense1/weights/gradient/norm": np.where(T == 200, 60.0, 1.0),
        "dense1/weights/update/ratio": np.where(T == 200, 0.6, 0.01),
    },
    "update": {"dense1/weights/update/ratio": np.where(T == 200, 3.5, 0.01)},
    "dead": {"dense1/dead_fraction": np.where((T >= 196) & (T <= 200), 0.95, 0.1)},
    "fade": {"dense1/std": 0.3 * np.exp(-np.maximum(0, T - 190) / 30)},
}


def warnings_of(changes, limits=None):
    diagnosis = judge(rows(piecewise((400, 0.3)), changes=changes), limits=limits).diagnosis
    return diagnosis, [f for f in diagnosis.findings if f.rule == RULE]


def test_a_steady_run_gets_no_warning():
    assert warnings_of({})[1] == []


@pytest.mark.parametrize("sign", ["gradient", "update", "dead"])
def test_each_sudden_sign_warns_at_its_step_and_names_the_layer(sign):
    diagnosis, told = warnings_of(SIGNS[sign])

    assert [(f.layer, f.first_step) for f in told] == [("dense1", 200)]
    assert told[0].value > told[0].limit or sign == "gradient"
    assert diagnosis.verdict is Verdict.HEALTHY


def test_a_burst_of_the_gradient_that_moves_next_to_nothing_does_not_warn():
    assert warnings_of({"dense1/weights/gradient/norm": np.where(T == 200, 60.0, 1.0)})[1] == []


def test_units_that_are_silent_for_four_rows_or_off_and_on_do_not_warn():
    four = np.where((T >= 196) & (T < 200), 0.95, 0.1)
    now_and_then = np.where(T % 3 > 0, 0.95, 0.1)

    assert warnings_of({"dense1/dead_fraction": four})[1] == []
    assert warnings_of({"dense1/dead_fraction": now_and_then})[1] == []


def test_fading_outputs_warn_while_they_fade():
    _, told = warnings_of(SIGNS["fade"])

    assert told[0].layer == "dense1"
    assert 200 <= told[0].first_step <= 215


@pytest.mark.parametrize("optimizer", ["OptimizerAdam", "OptimizerRMSprop"])
def test_fading_outputs_mean_nothing_where_every_weight_has_a_step_of_its_own(optimizer):
    values = rows(piecewise((400, 0.3)), changes=SIGNS["fade"])

    diagnosis = judge(values, info(description={"optimizer": optimizer})).diagnosis

    assert [f for f in diagnosis.findings if f.rule == RULE] == []


def test_what_the_first_turmoil_threw_up_is_not_the_best_that_later_outputs_are_held_against():
    turmoil = {"dense1/std": np.where(T < 50, 5.0, 0.3)}

    assert warnings_of(turmoil)[1] == []


def test_outputs_that_grow_as_a_network_learns_do_not_warn():
    growing = {"dense1/std": np.minimum(1.0, 0.01 + T / 300)}

    assert warnings_of(growing)[1] == []


def test_a_layer_does_not_repeat_a_sign_within_the_pause():
    lasting = {"dense1/dead_fraction": np.where(T >= 200, 0.95, 0.1)}
    twice = {"dense1/weights/update/ratio": np.where((T == 100) | (T == 300), 3.5, 0.01)}

    assert [f.first_step for f in warnings_of(lasting)[1]] == [204]
    assert [f.first_step for f in warnings_of(twice)[1]] == [100, 300]


def test_the_limits_of_the_signs_can_be_moved():
    limits = DEFAULT_THRESHOLDS.changed({f"{RULE}.dead": 0.96})

    assert warnings_of(SIGNS["dead"], limits)[1] == []


def test_a_layer_that_gave_a_sign_is_suspect_for_a_while():
    values = rows(piecewise((400, 0.3)), changes=SIGNS["dead"])

    assert "dense1" in judge(values[:205]).detector.suspects
    assert judge(values[:300]).detector.suspects == {}


def test_columns_that_are_missing_silence_their_sign_alone():
    about = info()
    columns = Columns([c for c in about.columns if c.statistic != "dead_fraction"])
    keep = [about.columns.names.index(name) for name in columns.names]
    values = rows(piecewise((400, 0.3)), changes={**SIGNS["dead"], **SIGNS["update"]})[:, keep]
    warner = EarlyWarnings(replace(about, recorded_columns=columns), DEFAULT_THRESHOLDS)

    told = [f for step, row in enumerate(values) for f in warner.observe(step, row[warner.places].tolist(), row)]

    assert [(f.layer, f.first_step, round(f.value, 3)) for f in told] == [("dense1", 200, 3.5)]


def test_a_number_that_is_not_finite_breaks_nothing():
    values = rows(piecewise((400, 0.3)), changes={"dense1/std": np.where(T > 200, np.nan, 0.3)})
    values[250:] = np.nan

    with np.errstate(all="raise"):
        assert judge(values).diagnosis.verdict is Verdict.DIVERGED


def test_a_gradient_that_begins_after_none_has_not_outgrown_its_level():
    begins = {"dense1/weights/gradient/norm": np.where(T < 50, 0.0, 1.0)}
    grows = {
        "dense1/weights/gradient/norm": np.where(T < 50, 0.0, np.where(T == 200, 60.0, 1.0)),
        "dense1/weights/update/ratio": np.where(T == 200, 0.6, 0.01),
    }

    assert warnings_of(begins)[1] == []
    assert [(f.first_step, round(f.value)) for f in warnings_of(grows)[1]] == [(200, 60)]


def test_a_layer_is_suspect_however_many_warnings_there_were_before(monkeypatch):
    monkeypatch.setattr("diagnostics.detect.detector.KEPT_WARNINGS", 0)
    values = rows(piecewise((400, 0.3)), changes=SIGNS["dead"])

    assert "dense1" in judge(values[:205]).detector.suspects
