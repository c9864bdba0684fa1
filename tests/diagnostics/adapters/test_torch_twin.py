"""The PyTorch twin of lenet, fed the same weights and batches, gets the same verdict, onset and blow."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.helpers.torch_twin import blow_of, train_both

pytestmark = pytest.mark.torch
ROOT = Path(__file__).parents[3]
STEPS = 140
"""Deaths come within the first hundred; a run that still guesses after so many has never learned."""


def test_a_death_is_found_in_the_twin_as_in_lenet() -> None:
    result = train_both(seed=5, steps=STEPS, dtype=np.float64)

    assert result.differences == []
    assert (result.ours.verdict, blow_of(result.theirs)) == ("never-learned", "conv1")


@pytest.mark.slow
def test_forty_seeds_have_the_same_verdict_onset_and_blow() -> None:
    results = [train_both(seed, STEPS, np.float64) for seed in range(40)]

    assert {result.seed: result.differences for result in results if result.differences} == {}
    assert 4 <= sum(result.ours.verdict.is_defect for result in results) <= 20


def test_a_death_is_found_in_a_float32_twin_that_is_given_the_weights_of_every_step() -> None:
    result = train_both(seed=5, steps=STEPS, dtype=np.float32, in_step=True)

    assert result.differences == []
    assert result.ours.verdict == "never-learned"


@pytest.mark.slow
def test_forty_float32_twins_that_are_given_the_weights_of_every_step_are_judged_alike() -> None:
    results = [train_both(seed, STEPS, np.float32, in_step=True) for seed in range(40)]

    assert {result.seed: result.differences for result in results if result.differences} == {}


def test_the_page_about_pytorch_runs_and_prints_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "pytorch.md").read_text()

    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(block, names)

    [table] = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    printed = capsys.readouterr().out
    assert [line.split() for line in table.splitlines()] == [line.split() for line in printed.splitlines()[1:8]]
    assert printed.startswith("healthy\n")
    assert "['0/biases', '0/weights'] ('penalty',) 25\n" in printed
    assert printed.splitlines()[-1] in ("healthy", "undecided")
