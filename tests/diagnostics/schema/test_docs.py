"""The pages about the log and networks that users wrote are fresh, and their examples run."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import diagnostics
from diagnostics.schema.datasets import Array
from diagnostics.schema.header import ATTRIBUTES
from diagnostics.schema.markdown import log_format_markdown
from diagnostics.schema.tables import ALL
from tests.helpers.broken_runs import lenet_log

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_of_the_log_format_is_fresh() -> None:
    assert (DOCS / "log-format.md").read_text() == log_format_markdown(), "run: make docs"


def test_the_page_names_every_dataset_field_and_attribute() -> None:
    page = log_format_markdown()

    for part in ALL:
        assert f"`{part.path}`" in page
        for field in () if isinstance(part, Array) else part.fields:
            assert f"| `{field.name}` |" in page
    for attribute in ATTRIBUTES:
        assert f"| `{attribute}` |" in page


def test_the_worked_example_runs_and_finds_the_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "runs").mkdir()
    shutil.copy(lenet_log(lr=3.0), tmp_path / "runs" / "dead.h5")
    shutil.copy(lenet_log(lr=0.05), tmp_path / "runs" / "healthy.h5")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "analysis.md").read_text(), re.DOTALL)

    names: dict[str, Any] = {}
    for block in blocks:
        exec(block, names)

    assert len(blocks) == 9
    assert names["first"].notna().any()
    assert (len(names["known"]), len(names["survivors"])) == (2, 0)  # both are undecided after 40 steps
    assert names["earliest"] in {"conv1", "conv2", "dense1", "dense2", "dense3"}
    assert names["largest"] > 0
    assert len(names["plain"]) == 40


def test_the_page_for_networks_of_one_s_own_runs_and_its_run_is_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "own-network.md").read_text(), re.DOTALL)

    names: dict[str, Any] = {}
    for block in blocks:
        exec(block.replace("in range(6)", "in range(2)"), names)

    run = names["run"]
    assert len(blocks) == 8
    tried = names["comparison"]
    assert [(one.defect_runs, one.judged) for one in (tried.arm, tried.control)] == [(0, 2), (2, 2)]
    assert "change=none" in tried.control.label
    stacked = names["stacked"]
    assert (stacked.recorder.diagnosis.verdict, stacked.found["tensors"].tolist()) == ("healthy", ["['W1']"])
    assert stacked.recorder.diagnosis.findings == ()
    assert str(names["followed"].recorder.diagnosis.verdict) == "healthy"
    watched = names["watched"]
    assert (watched.recorder.diagnosis.verdict, watched.status) == ("healthy", "completed")
    assert list(watched.found.index) == ["linear1", "linear2"]
    assert watched.found["activation"].str.startswith(("relu (Relu after it)", "softmax (guessed")).all()
    assert (str(run.verdict), run.status, len(run)) == ("healthy", "completed", 200)
    assert run.epochs["accuracy"].iloc[-1] > 0.9
    assert (
        names["whole"].mistake
        == "look between parameters[1] and parameters[2]: the gradients from parameters[2] on are right"
    )
    verdicts = re.findall(r"^(\w+) (right|dinputs)", capsys.readouterr().out, re.MULTILINE)
    assert verdicts == [("Dense", "right"), ("CarelessReLU", "dinputs"), ("Dense", "right")]


def test_the_page_for_logs_of_other_tools_prints_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    page = (DOCS / "any-log.md").read_text()

    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(block, names)

    [printed] = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    assert capsys.readouterr().out == printed
    assert diagnostics.open_run("metrics.h5").verdict == names["run"].verdict


@pytest.mark.torch
def test_the_page_s_network_in_pytorch_runs_and_is_recorded_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    [block] = re.findall(r"```python torch\n(.*?)```", (DOCS / "own-network.md").read_text(), re.DOTALL)

    names: dict[str, Any] = {}
    exec(block, names)

    run = diagnostics.open_run("torch.h5")
    assert (str(run.verdict), run.status, len(run)) == ("healthy", "completed", 200)
    norms = run.tensor_frame(["norm"])["norm"].unstack("kind")
    assert (norms["gradient"] > 0).all()
    assert norms["update"].to_numpy() == pytest.approx(0.5 * norms["gradient"].to_numpy(), rel=1e-2)
    last = run.tensors.loc[(199, "dense1", "weights")]["norm"]
    weights = names["network"][1].weight.detach().numpy()
    assert abs(float((weights**2).sum() ** 0.5) - last["value"]) <= last["update"]


def test_the_public_names_are_there_and_no_others() -> None:
    assert sorted(diagnostics.__all__) == diagnostics.__all__
    assert set(diagnostics.__all__) <= set(dir(diagnostics))
    for name in diagnostics.__all__:
        assert getattr(diagnostics, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'missing'"):
        _ = diagnostics.missing
