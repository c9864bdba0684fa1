"""The page of opened steps, and the part of it in a run's report, of real runs that died."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from diagnostics.record.recorder import Recorder
from diagnostics.replay import moment, replay
from diagnostics.replay.opened import OpenedRun, open_origin, open_step, ordinary_step
from diagnostics.replay.proof import ReplayCheck
from lenet import (
    ActivationReLU,
    ActivationSigmoid,
    ActivationSoftmax,
    ActivationTanh,
    ConvolutionLayer,
    DenseLayer,
    Flatten,
    Model,
    OptimizerSGD,
)
from reports.figures.catalogue import figure_files
from reports.pages import html, origin_page, run_page
from reports.pages.document import Document, Picture
from reports.text.opened import _length, of_its_size, proof_sentence
from tests.helpers.broken_runs import broken_log
from tests.helpers.small_models import blobs, ready


@pytest.fixture(autouse=True, scope="module")
def fewer_samples_along_a_step() -> Iterator[None]:
    """The loss along a step is that of 64 samples of the training set instead of 512."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moment, "SAMPLE", 64)
        yield


@cache
def opened(network: str = "feedforward", lr: float = 5.0) -> OpenedRun:
    return open_origin(replay(broken_log(network, lr)))


@cache
def built(network: str = "feedforward", lr: float = 5.0) -> Document:
    """The page of a run; its pictures take seconds, so it is made once."""
    return origin_page.build(opened(network, lr))


def pictures(page: Any) -> list[Picture]:
    return [one for one in page.pictures() if one.name.startswith("origin-")]


RUNS = [
    ("feedforward", 5.0),
    pytest.param("conv-pool", 5.0, marks=pytest.mark.slow),
    pytest.param("feedforward", 20.0, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("network", "lr"), RUNS)
def test_the_page_has_the_four_pictures_and_is_complete_in_itself(network: str, lr: float, tmp_path: Path) -> None:
    page = html.write(built(network, lr), tmp_path, origin_page.PAGE)
    text = page.read_text()
    assert page.name == "origin.html"
    assert page.stat().st_size < 3_000_000
    assert not re.search(r"(src|href)=\"(?!data:|#)", text)
    names = sorted(path.name for path in tmp_path.glob("*.png"))
    assert [name[:8] for name in names] == ["origin-1", "origin-2", "origin-3", "origin-4"]
    for name in names:
        assert struct.unpack(">II", (tmp_path / name).read_bytes()[16:24])[0] > 600


@pytest.mark.parametrize(("network", "lr"), RUNS)
def test_every_caption_is_two_sentences_and_says_what_to_look_at(network: str, lr: float) -> None:
    for one in pictures(built(network, lr)):
        sentences = re.split(r"(?<=\.)\s+(?=[A-Z])", one.caption)
        assert len(sentences) == 2, one.caption
        assert "look" in one.caption.lower()
        assert one.alt.endswith(".")
        assert "nan" not in one.alt.lower()


def test_the_page_tells_what_was_replayed_and_what_was_found() -> None:
    found = opened()
    text = re.sub(r"<[^>]+>|\s+", " ", html.render(built()))
    rows = found.main.step + 1
    assert re.search(rf"from the seed, steps 0 to {found.main.step:,}: {rows:,} rows? w", text)
    assert "equal to the log bit for bit" in text
    assert f"Step {found.main.step:,} changed {found.layer} by" in text
    answering = found.main.answering[found.layer]
    assert f"Of the {answering.units} units of {found.layer} {answering.before} were above 0" in text
    assert "brought the loss of its own batch" in text
    assert "Units above 0 for some image of the batch" in text


def test_the_steps_are_the_first_link_the_blow_and_an_ordinary_one() -> None:
    found = opened()
    diagnosis = found.run.diagnosis
    assert diagnosis.blow is not None
    assert found.main.step == diagnosis.blow.step
    assert found.main.role == "blow"
    roles = {one.step: one.role for one in found.steps}
    assert list(roles) == sorted(roles)
    assert diagnosis.first_link is not None
    assert diagnosis.first_link.step in roles


@pytest.mark.parametrize(("network", "lr"), RUNS)
def test_the_answering_units_are_counted_as_the_log_counts_silent_ones(network: str, lr: float) -> None:
    """The log has the silent units of a step before its update, the next row those after it, on another batch."""
    found = opened(network, lr)
    logged = found.run.activations["dead_fraction"]
    for one in found.steps:
        for layer, counts in one.answering.items():
            silent = logged.loc[(one.step, layer)]
            assert counts.before == round((1 - silent) * counts.units)


def test_an_ordinary_step_has_an_update_of_the_middle_size() -> None:
    run = opened().run
    step = ordinary_step(run, 100, "dense3")
    assert step is not None
    ratios = run.block(["dense3/weights/update/ratio"])[:, 0]
    near = ratios[40:98]
    assert 40 <= step <= 97
    assert (near < ratios[step]).sum() <= len(near) / 2
    assert (near > ratios[step]).sum() <= len(near) / 2
    for soon in (0, 1, 4):
        assert ordinary_step(run, soon, "dense3") is None


@pytest.mark.usefixtures("no_pictures")
def test_a_step_that_was_asked_for_is_opened_beside_an_ordinary_one() -> None:
    found = open_step(replay(broken_log()), 90)
    assert [one.role for one in found.steps] == ["ordinary", "asked"]
    document = origin_page.build(found)
    assert document.sections[0].title == "Step 90, opened"
    # The run has been dead for long: there is no gradient, and every length of the step is as good.
    assert "exactly zero" in html.render(document) or "of the gradient" in html.render(document)


@pytest.mark.slow
def test_the_report_has_the_same_pictures() -> None:
    found = opened()
    document = run_page.build(found.run, found)
    section = next(one for one in document.sections if one.anchor == "origin")
    assert section.title == "The origin"
    mine = [one for one in section.blocks if isinstance(one, Picture)]
    assert [one.png for one in mine] == [one.png for one in pictures(built())]
    assert len(html.render(document)) < 3_000_000


@pytest.mark.usefixtures("no_pictures")
def test_a_report_without_a_replay_says_why_or_leaves_it_out() -> None:
    run = opened().run
    assert not any(one.anchor == "origin" for one in run_page.build(run).sections)
    document = run_page.build(run, "the data are not here")
    section = next(one for one in document.sections if one.anchor == "origin")
    assert "The data are not here." in html.render(document)
    assert len(section.blocks) == 1


@pytest.mark.usefixtures("blank_pictures")
@pytest.mark.parametrize(
    ("activation", "channels"),
    [
        (ActivationSigmoid, 3),
        *(pytest.param(function, 3, marks=pytest.mark.slow) for function in (ActivationTanh, ActivationReLU)),
        *(
            pytest.param(function, 1, marks=pytest.mark.slow)
            for function in (ActivationSigmoid, ActivationTanh, ActivationReLU)
        ),
    ],
)
def test_other_functions_and_coloured_samples_are_shown(tmp_path: Path, activation: Any, channels: int) -> None:
    X, y = blobs(60, (8, 8, channels))
    model = ready(
        Model(threads=1, seed=1, dtype=np.float64),
        ConvolutionLayer(3, (3, 3), input_size=(8, 8, channels)),
        activation(),
        Flatten(),
        DenseLayer(108, 3),
        ActivationSoftmax(),
        optimizer=OptimizerSGD(0.2),
    )
    model.train(X, y, 4, 20, print_every=0, hooks=[Recorder(tmp_path / "run.h5", model=model)])
    found = open_step(replay(tmp_path / "run.h5", (X, y)), 8)
    units = pictures(origin_page.build(found))[2]
    assert found.main.activation in ("softmax", activation.function)
    words = {"relu": "gives 0 for every input below 0", "softmax": "nearly agree"}
    assert words.get(found.main.activation, "the function is flat") in units.caption


@pytest.mark.usefixtures("blank_pictures")
def test_rows_of_numbers_are_shown_too(tmp_path: Path) -> None:
    X, y = blobs(60, (7,))
    model = ready(Model(threads=1, seed=1), DenseLayer(7, 5), ActivationReLU(), DenseLayer(5, 3), ActivationSoftmax())
    model.train(X, y, 4, 20, print_every=0, hooks=[Recorder(tmp_path / "run.h5", model=model)])
    assert len(pictures(origin_page.build(open_step(replay(tmp_path / "run.h5", (X, y)), 8)))) == 4


def test_each_figure_of_a_step_is_one_file_with_a_place() -> None:
    assert [module.__name__.rpartition(".")[2] for module in figure_files("origin")] == [
        "step_batch",
        "step_line",
        "step_units",
        "step_movement",
    ]
    assert len(pictures(built())) == 4


@pytest.mark.usefixtures("no_pictures")
def test_of_a_run_in_which_nothing_broke_the_largest_update_is_opened(tmp_path: Path) -> None:
    log = broken_log(lr=0.05)
    found = open_origin(replay(log))
    assert found.run.verdict == "healthy"
    assert found.main.role == "largest"
    ratios = found.run.block([c.name for c in found.run.columns if c.statistic == "ratio"])
    assert found.main.step == int(np.nanargmax(np.nanmax(ratios, axis=1)))
    text = html.render(origin_page.build(found))
    assert f"Step {found.main.step}, opened</h2>" in text
    assert "the largest update of a run in which nothing died" in text


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (0.608, "60.8 % of its size"),
        (0.0000123, "0.00123 % of its size"),
        (32.1, "32 times its size"),
        (0.0, "0 % of its size"),
        (float("nan"), "an amount that was not logged"),
    ],
)
def test_an_update_is_told_as_a_share_of_the_weights(ratio: float, words: str) -> None:
    assert of_its_size(ratio) == words


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (2.49358, "The step changed the loss of its own batch, 2.49 nats, by -0.00012 only."),
        (2.31, "The step brought the loss of its own batch from 2.49 to 2.31 nats; 2 times its length"),
    ],
)
def test_a_loss_that_hardly_changed_is_not_told_as_the_same_number_twice(after: float, words: str) -> None:
    line = pd.DataFrame({"this_batch": [2.4937, after, after - 0.1]}, index=[0.0, 1.0, 2.0])
    step: Any = SimpleNamespace(line=line, best_multiple=2.0)

    assert _length(step).startswith(words)


@pytest.mark.parametrize(("last", "words"), [(0, "step 0: 1 row was"), (3, "steps 0 to 3: 4 rows were")])
def test_one_replayed_step_is_no_range(last: int, words: str) -> None:
    told = proof_sentence(ReplayCheck("the seed", 0, last, rows=last + 1, digests=0, compared="bit for bit"))

    assert told.startswith(f"The training was done again from the seed, {words} replayed")
