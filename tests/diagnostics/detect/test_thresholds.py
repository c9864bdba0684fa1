"""Limits: from Python and from TOML, validated, and stored."""

from __future__ import annotations

import math

import pytest

from diagnostics.detect.detector import DEFAULT_THRESHOLDS
from diagnostics.detect.thresholds import ThresholdsError


def test_every_limit_has_a_unit_a_meaning_a_source_and_a_default_in_its_range():
    for limit in DEFAULT_THRESHOLDS.declared.values():
        assert limit.unit
        assert limit.meaning
        assert limit.source not in ("", "provisional")
        assert limit.least <= limit.default <= limit.most


def test_limits_changed_in_python_leave_the_defaults_alone():
    changed = DEFAULT_THRESHOLDS.changed({"dead-units.share": 0.9})

    assert changed["dead-units.share"] == 0.9
    assert DEFAULT_THRESHOLDS["dead-units.share"] == 0.8
    assert {k: v for k, v in changed.items() if k != "dead-units.share"} == {
        k: v for k, v in DEFAULT_THRESHOLDS.items() if k != "dead-units.share"
    }


def test_changes_add_up():
    twice = DEFAULT_THRESHOLDS.changed({"verdict.patience": 50}).changed({"verdict.grace": 40})

    assert (twice["verdict.patience"], twice["verdict.grace"]) == (50, 40)
    assert len(twice) == len(DEFAULT_THRESHOLDS)


@pytest.mark.parametrize("value", [1.01, -0.1, math.nan, "0.9", True, None])
def test_a_value_that_cannot_be_is_refused_with_what_is_allowed(value):
    with pytest.raises(
        ThresholdsError, match=r"limit dead-units.share: received .*, expected 0.05 to 1 share of units"
    ):
        DEFAULT_THRESHOLDS.changed({"dead-units.share": value})


def test_an_unknown_limit_is_refused_with_those_that_are_known():
    with pytest.raises(ThresholdsError, match=r"'dead-units.shares' is unknown; known limits: .*dead-units.share"):
        DEFAULT_THRESHOLDS.changed({"dead-units.shares": 0.9})


def test_limits_from_a_toml_file(tmp_path):
    path = tmp_path / "limits.toml"
    path.write_text("[dead-units]\nshare = 0.9\n\n[verdict]\npatience = 300\n")

    changed = DEFAULT_THRESHOLDS.changed_by_file(path)

    assert (changed["dead-units.share"], changed["verdict.patience"]) == (0.9, 300)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[dead-units\n", "cannot be read as a TOML file"),
        ("share = 0.9\n", r"found share = 0.9, expected a table \[share\]"),
        ("[dead-units]\nshare = 7\n", "received 7, expected 0.05 to 1"),
        ("[dead-units]\n", r"table \[dead-units\] is empty"),
        ("[dead-units]\nwhat = 1\n", "'dead-units.what' is unknown"),
    ],
)
def test_a_bad_toml_file_is_named_with_what_is_wrong(tmp_path, text, words):
    path = tmp_path / "limits.toml"
    path.write_text(text)

    with pytest.raises(ThresholdsError, match=words) as caught:
        DEFAULT_THRESHOLDS.changed_by_file(path)

    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_toml_file_is_named(tmp_path):
    with pytest.raises(ThresholdsError, match=r"no\.toml"):
        DEFAULT_THRESHOLDS.changed_by_file(tmp_path / "no.toml")
