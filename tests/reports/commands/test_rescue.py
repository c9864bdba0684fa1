"""`lenet-diag rescue`: what it prints, what it keeps, how it goes on after a kill, and its one-line errors."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from diagnostics.log.reader import open_run
from tests.helpers import synthetic_runs as synthetic
from tests.helpers.broken_runs import dying_log
from tests.helpers.command_line import typed
from tests.helpers.made_up_deaths import made_up_tables, usual
from tests.helpers.task_networks import NETWORKS, trained

ROOT = Path(__file__).parents[3]
SMALL = ("--runs", "2", "--arm", "clip", "--horizon", "120")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(dying_log().parent, tmp_path_factory.mktemp("rescue") / "dead")) / "dead.h5"


def test_the_answer_is_counts_and_words_on_stdout_and_as_json(log: Path) -> None:
    result = typed("rescue", log, *SMALL)
    assert result.exit_code == 0, result.stderr

    again = typed("rescue", log, *SMALL, "--resume", "--json")
    told = json.loads(again.stdout)

    assert result.stdout.startswith("what would have saved it, from step")
    assert "2 of 2 lived  (control " in result.stdout
    assert "5 branches in 3 arms" in result.stderr
    assert "arms: unchanged, control, clip" in result.stderr
    assert "then the control and what is proven, with 2 orders each" in result.stderr
    assert "5 of 5 branches (100 %)" in result.stderr
    assert "5 branches in 3 arms, 5 of them done already, remedies from step " in again.stderr
    assert " on; about 0 s with " in again.stderr
    assert (
        again.stderr.count("trained to the end") == result.stderr.count("trained to the end") == 0
    )  # nothing is proven
    assert told["test"].startswith("McNemar's exact test")
    assert (told["arms"][0]["arm"], told["arms"][0]["lived"], told["control"]["runs"]) == ("clip", 2, 2)
    assert len((log.with_suffix(".rescue") / "branches.jsonl").read_text().splitlines()) == 5


def test_the_options_of_a_plan_are_obeyed(log: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    plan = ("--runs", "1", "--arm", "clip", "--from", "3", "--horizon", "60", "--seed", "7", "--jobs", "1")

    result = typed("rescue", log, *plan, "--out", folder, "--keep-branches", "--json")
    told = json.loads(result.stdout)
    kept = {path.name: open_run(path).index["step"] for path in (folder / "branches").glob("*.h5")}

    assert result.exit_code == 0, result.stderr
    assert (told["plan"]["branch_step"], told["plan"]["horizon"], told["plan"]["seed"]) == (3, 60, 7)
    assert set(kept) == {"unchanged-0.h5", "control-0.h5", "clip-0.h5"}
    assert (kept["clip-0.h5"].min(), kept["clip-0.h5"].max()) == (3, 62)


def test_a_folder_stands_for_its_runs_that_died(log: Path, tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    shutil.copytree(log.parent, folder, ignore=shutil.ignore_patterns("*.rescue"))
    synthetic.write_log(synthetic.healthy(60), folder / "healthy.h5")
    trained(NETWORKS["classes"], folder / "mine.h5", bias=-20.0).close()
    shutil.copy(folder / "dead.h5", folder / "of-dead.h5")
    plan = ("--runs", "1", "--arm", "clip", "--horizon", "120", "--jobs", "1")

    result = typed("rescue", folder, *plan)
    again = typed("rescue", folder, *plan, "--arm", "adaptive", "--resume", "--json")
    none = typed("rescue", folder, "--arm", "adaptive")
    told = json.loads(again.stdout)

    assert "error: dead: adaptive: not among the arms that apply to this run" in none.stderr
    assert (result.exit_code, again.exit_code) == (3, 3), result.stderr
    assert f"{folder / 'of-dead.h5'}: is a copy of {folder / 'dead.h5'}, and is counted once\n" in result.stderr
    assert "error: mine: is the log of a training loop that is not this library's" in result.stderr
    assert result.stdout.startswith("dead: what would have saved it, from step")
    assert "what would have saved 1 run that died; 1 run did not die:\n  dead  without a change " in result.stdout
    assert "clip: proven in 0 of 1 run\n" in result.stdout
    assert [one["plan"]["run"] for one in told] == ["dead"]
    assert "3 of them done already" in again.stderr


@pytest.mark.parametrize("option", ["--out", "--from"])
def test_what_belongs_to_one_run_is_refused_for_a_folder(option: str, log: Path) -> None:
    result = typed("rescue", log.parent, option, "9")

    assert result.exit_code == 2
    assert f"{option}: is for one run" in result.stderr


def test_branches_that_are_there_are_not_replaced_unasked(log: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "rescue.json").write_text('{"format": "lenet-diag rescue 1", "plan": {}}')

    unasked = typed("rescue", log, *SMALL, "--out", folder)
    other = typed("rescue", log, *SMALL, "--out", folder, "--resume")

    assert (unasked.exit_code, other.exit_code) == (2, 2)
    assert "go on with it by resume=True (--resume), or give another folder" in unasked.stderr
    assert "another plan" in other.stderr


def test_a_healthy_run_and_wrong_options_are_one_line(log: Path, tmp_path: Path) -> None:
    healthy = synthetic.write_log(synthetic.healthy(60), tmp_path / "healthy.h5")

    for arguments, code, words in (
        (("rescue", healthy), 3, "its verdict is healthy; a rescue needs a run that died"),
        (("rescue", log, "--arm", "clap"), 2, "arm clap (--arm): is unknown for this run; expected one of control"),
        (("rescue", log, "--from", "9999"), 2, "step 9999 (--from)"),
        (("rescue", tmp_path / "none.h5"), 3, "no such file"),
        (("rescue", log, "--runs", "0"), 2, "--runs"),
    ):
        result = typed(*arguments)
        assert result.exit_code == code, result.output
        assert words in result.stderr
        assert "Traceback" not in result.output


def test_the_log_of_a_loop_of_ones_own_is_refused_before_anything_is_announced(tmp_path: Path) -> None:
    log = tmp_path / "mine.h5"
    trained(NETWORKS["classes"], log, bias=-20.0).close()

    result = typed("rescue", log)

    assert result.exit_code == 3, result.output
    assert result.stderr.count("\n") == 1
    assert "mine: is the log of a training loop that is not this library's" in result.stderr
    assert list(tmp_path.iterdir()) == [log]


def test_the_page_of_the_study_follows_from_its_tables_alone(tmp_path: Path) -> None:
    page = tmp_path / "rescue.md"
    made_up_tables(page, usual)

    result = typed("study", "--preset", "rescue", "--page", page, "--page-only", "--out", tmp_path / "none")

    assert result.exit_code == 0, result.stderr
    assert f"page: {page}" in result.stderr
    assert "**Partial: 5 of 60 deaths so far**" in page.read_text()
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("option", [("--lr", "0.1"), ("--runs", "3"), ("--on-defect", "stop"), ("--reuse", "x")])
def test_the_study_of_rescues_is_fixed(option: tuple[str, str], tmp_path: Path) -> None:
    result = typed("study", "--preset", "rescue", "--out", tmp_path, *option)

    assert result.exit_code == 2
    assert f"{option[0]}: --preset rescue is one fixed study and does not take it" in result.stderr


@pytest.mark.slow
def test_a_rescue_that_was_killed_goes_on_to_the_same_branches(log: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    command = [sys.executable, "-m", "reports", "rescue", str(log), *SMALL, "--jobs", "2", "--out"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([*command, str(whole)], env=environment, check=True, capture_output=True)

    process = subprocess.Popen(
        [*command, str(killed)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    branches = killed / "branches.jsonl"
    while process.poll() is None and not (branches.exists() and branches.read_bytes().count(b"\n") >= 2):
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    subprocess.run([*command, str(killed), "--resume"], env=environment, check=True, capture_output=True)

    def content(folder: Path) -> dict[str, object]:
        return {(one := json.loads(line))["key"]: one for line in (folder / "branches.jsonl").read_text().splitlines()}

    assert content(killed) == content(whole)
