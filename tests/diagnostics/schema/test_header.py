"""An attribute of the log is declared once."""

from __future__ import annotations

import dataclasses
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.log.attributes import change, read_header, write_header
from diagnostics.log.datasets import create_array
from diagnostics.log.native import NativeFile
from diagnostics.schema.header import ATTRIBUTES, STATUSES, Header
from diagnostics.schema.tables import VALUES
from tests.helpers.edited_declarations import recorded_with
from tests.helpers.examples import examples
from tests.helpers.small_runs import small_info

NEW_ATTRIBUTE = """    weather: Annotated[str, Attribute("text", "", "how the day was")] = "sunny"
    digest_start:"""


def written(path: Path, header: Header) -> h5py.File:
    file = h5py.File(path, "w")
    write_header(file, header)
    create_array(file, VALUES, (len(header.info.columns),))
    return file


def test_one_new_field_is_an_attribute_of_the_file_the_header_and_the_page(tmp_path: Path) -> None:
    found = recorded_with("diagnostics.schema.header", [("    digest_start:", NEW_ATTRIBUTE)], tmp_path / "run.h5")

    assert found["attributes"]["weather"] == "b'sunny'"
    assert found["header"]["weather"] == "sunny"
    assert "| `weather` | text |  | how the day was |" in found["page"]


def test_every_attribute_comes_back_as_it_was_written(tmp_path: Path) -> None:
    known = {"settings": {"lr": 0.1, "ä": None}, "environment": {"threads": 2}, "thresholds": {"verdict.grace": 9}}
    info = small_info(seed=2**53, window=5, **known)
    intervals = {"log_every": 3, "histograms_every": 0, "checkpoint_every": 7}
    ended = {"status": "stopped", "digest_end": "c", "seconds": 2.5, "cost_seconds": 0.5}
    header = Header(
        info,
        run_id="a",
        created=1.5,
        subsample="all",
        measuring="m",
        on_defect="stop",
        digest_start="b",
        **intervals,
        **ended,
    )

    with written(tmp_path / "run.h5", header) as file:
        again = read_header(NativeFile(file))

    assert again == header
    assert again.info.columns.names == info.columns.names
    left = {one.name for one in dataclasses.fields(Header) if getattr(header, one.name) == one.default}
    assert left == {"format", "schema_version"}, "give the new attribute another value than its default above"


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=20)
NUMBERS = st.floats(allow_nan=False)
VALUES_OF_JSON = st.none() | st.booleans() | st.integers() | NUMBERS | TEXTS | st.lists(NUMBERS)
PLAIN = st.dictionaries(TEXTS, VALUES_OF_JSON, max_size=3)


@given(
    info=st.fixed_dictionaries(
        {
            "prior": st.lists(st.integers(1, 1000), min_size=1).map(lambda n: tuple(one / sum(n) for one in n)),
            "seed": st.integers(0, 2**63 - 1),
            "window": st.integers(1, 2**53),
            "description": PLAIN,
            "thresholds": st.dictionaries(TEXTS, NUMBERS, max_size=3),
        }
    ),
    header=st.fixed_dictionaries(
        {"run_id": TEXTS, "digest_end": TEXTS, "created": NUMBERS, "status": st.sampled_from(STATUSES)}
    ),
)
@examples(60)
def test_whatever_a_header_says_is_read_again(info: dict[str, Any], header: dict[str, Any]) -> None:
    given_header = Header(small_info(**info), checkpoint_every=0, **header)

    with tempfile.TemporaryDirectory() as folder, written(Path(folder) / "run.h5", given_header) as file:
        again = read_header(NativeFile(file))

    assert replace(again, seconds=0, cost_seconds=0) == replace(given_header, seconds=0, cost_seconds=0)


def test_empty_texts_and_priors_can_be_written(tmp_path: Path) -> None:
    with written(tmp_path / "run.h5", Header(small_info(prior=()), subsample="")) as file:
        again = read_header(NativeFile(file))

    assert again.subsample == ""
    assert np.isnan(again.info.prior).tolist() == [True]


def test_only_what_is_declared_to_change_can_be_changed(tmp_path: Path) -> None:
    with written(tmp_path / "run.h5", Header(small_info())) as file:
        change(file, status="completed", digest_end="d" * 64, seconds=3.0)
        again = read_header(NativeFile(file))
        with pytest.raises(ValueError, match="'seed' does not change; those that do are status, digest_end"):
            change(file, seed=1)

    assert (again.status, again.digest_end, again.seconds) == ("completed", "d" * 64, 3.0)


def test_an_attribute_that_is_newer_than_the_log_has_its_default(tmp_path: Path) -> None:
    info = small_info(window=5, thresholds={"verdict.patience": 60})
    with written(tmp_path / "run.h5", Header(info, checkpoint_every=7)) as file:
        file.attrs.modify("schema_version", np.array([1, 0], np.int32))
        later = [name for name, one in ATTRIBUTES.items() if one.since]
        for name in later:
            del file.attrs[name]
        again = read_header(NativeFile(file))

    assert later == ["measuring", "checkpoint_every", "on_defect", "window", "thresholds", "rows", "task"]
    assert again.schema_version == (1, 0)
    assert (again.checkpoint_every, again.measuring) == (None, "")
    assert (again.info.window, again.info.thresholds) == (200, {})


def test_an_attribute_that_the_log_should_have_is_missed(tmp_path: Path) -> None:
    with written(tmp_path / "run.h5", Header(small_info())) as file:
        del file.attrs["log_every"]
        with pytest.raises(KeyError, match="log_every"):
            read_header(NativeFile(file))
