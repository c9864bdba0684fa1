"""What a new user types in the first minute: help, names with a typo, outputs, the end of a run, and going on."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.shell_completion import ShellComplete

from diagnostics import open_run
from reports.cli import main
from tests.helpers.command_line import typed

SMALL = ("train", "--network", "feedforward", "--limit", "1280", "--lr", "0.1", "--threads", "1", "--print-every", "0")
WRITING = ("train", "report", "replay", "rescue", "stats", "study", "export", "import")


def completed(*words: str) -> list[str]:
    """What the shell offers after these words, of which the last is incomplete."""
    completion = ShellComplete(main, {}, "lenet-diag", "_LENET_DIAG_COMPLETE")
    return [item.value for item in completion.get_completions(list(words[:-1]), words[-1])]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of a run of two epochs, in a folder that was not there."""
    path = tmp_path_factory.mktemp("first") / "deep" / "runs" / "x.h5"
    result = typed(*SMALL, "--epochs", 2, "-o", path)
    assert result.exit_code == 0, result.output
    return path


@pytest.mark.parametrize(
    ("command", "groups"),
    [
        ("train", ["Network", "Training", "Remedies", "Data", "Log", "Watching", "Options"]),
        ("study", ["Study", "Network", "Training", "Remedies", "Data", "Log", "Options"]),
    ],
)
def test_help_comes_in_groups_with_ranges_that_a_person_would_say(command: str, groups: list[str]) -> None:
    text = typed(command, "--help").stdout

    assert re.findall(r"^([A-Z][a-z]+):$", text, re.MULTILINE) == groups
    assert "9007199254740992" not in text
    assert "<=x" not in text
    assert "at least 0 and below 1" in " ".join(text.split())


def test_the_seed_of_a_study_is_said_to_be_the_first() -> None:
    assert "--seed INTEGER The first seed of each arm" in " ".join(typed("study", "--help").stdout.split())


@pytest.mark.parametrize("command", WRITING)
def test_every_command_that_writes_takes_out_and_o(command: str) -> None:
    found: Any = main.get_command(click.Context(main), command)
    names = [set(one.opts) for one in found.params if isinstance(one, click.Option)]

    assert [one for one in names if {"-o", "--out"} <= one]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["trian"], "there is no command 'trian'; did you mean train?"),
        (["xyzzy"], "there is no command 'xyzzy'; commands: demo, train, "),
        (["rules", "ded-units"], "rule 'ded-units' is unknown; did you mean dead-units?"),
        (["study", "--preset", "remedy"], "; did you mean remedies?"),
        (["study", "--preset", "rescu"], "; did you mean rescue?"),
    ],
)
def test_a_name_with_a_typo_is_answered_with_the_name_that_was_meant(words: list[str], hint: str) -> None:
    result = typed(*words)

    assert result.exit_code == 2
    assert hint in result.stderr


def test_the_shell_completes_commands_rules_presets_and_arms() -> None:
    assert completed("re") == ["report", "replay", "rescue", "repair"]
    assert completed("rules", "dead") == ["dead-units"]
    assert completed("study", "--preset", "re") == ["report-table", "remedies", "rescue"]
    assert "but-for" in completed("rescue", "x.h5", "--arm", "")
    assert completed("train", "--convolution", "") == ["exact", "paper"]


def test_bash_completes_as_documented(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    asked = {"COMP_WORDS": "lenet-diag rules dead-u", "COMP_CWORD": "2", "_LENET_DIAG_COMPLETE": "bash_complete"}
    program = "import sys; sys.argv[0] = 'lenet-diag'; from reports.cli import main; main(prog_name='lenet-diag')"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, **asked, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout == "plain,dead-units\n"
    for shell in ("bash", "zsh", "fish"):
        assert f"_LENET_DIAG_COMPLETE={shell}_source" in (root / "docs" / "command-line.md").read_text()


def test_the_end_of_a_run_is_a_result_and_the_rest_is_talk(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    result = typed(*SMALL, "--epochs", 1, "--out", path)
    training, validation = re.findall(r"^  (?:training|validation):.*$", result.stdout, re.MULTILINE)

    assert result.stdout.splitlines()[0].startswith("x: ")
    assert re.fullmatch(r"  training:   accuracy [\d.]+ %, loss [\d.]+ \(mean of epoch 1\)", training)
    assert re.fullmatch(r"  validation: accuracy [\d.]+ %, loss [\d.]+", validation)
    assert "log:" not in result.stdout
    assert f"log:  {path}\n" in result.stderr
    assert f"states: {path.with_suffix('.checkpoints')}" in result.stderr
    diagnosed = typed("diagnose", path)
    assert {training, validation} <= set(diagnosed.stdout.splitlines())
    assert diagnosed.stderr == ""


def test_a_run_that_ends_within_an_epoch_tells_the_mean_of_its_last_steps(tmp_path: Path) -> None:
    result = typed(*SMALL, "--steps", 7, "--out", tmp_path / "x.h5")

    assert "(mean of its last 7 steps)" in result.stdout
    assert "(mean of its last 7 steps)" in typed("diagnose", tmp_path / "x.h5").stdout


def test_a_run_that_has_ended_is_extended(log: Path, tmp_path: Path) -> None:
    refused = typed(*SMALL[:1], "--resume", "--out", log)
    assert refused.exit_code == 3
    assert "a larger --epochs, such as 3, extends it" in refused.stderr
    fewer = typed("train", "--resume", "--epochs", 1, "--out", log)
    assert fewer.exit_code == 2
    assert "was started with 2; --resume keeps that, or takes more" in " ".join(fewer.stderr.split())
    before = log.read_bytes()

    longer = typed("train", "--resume", "--epochs", 5, "--print-every", 0, "--out", log)
    at_once = typed(*SMALL, "--epochs", 5, "--out", tmp_path / "at-once.h5")

    assert (longer.exit_code, at_once.exit_code) == (0, 0), longer.output
    one, other = open_run(log), open_run(tmp_path / "at-once.h5")
    assert one.header.digest_end == other.header.digest_end
    assert (one.status, one.info.epochs, len(one)) == ("completed", 5, len(other))
    assert list(one.epochs["accuracy"]) == list(other.epochs["accuracy"])
    assert log.with_name("x.before-resume-1.h5").read_bytes() == before, "nothing recorded is lost"


@pytest.mark.parametrize(
    ("settings", "asked", "words"),
    [
        (["--steps", 5], ["--epochs", 9], "ends after 5 steps all the same"),
        (["--epochs", 1, "--lr-decay", "cosine"], ["--epochs", 2], "a longer run is another run"),
    ],
)
def test_a_run_that_cannot_be_extended_is_refused(
    tmp_path: Path, settings: list[object], asked: list[object], words: str
) -> None:
    assert typed(*SMALL, *settings, "-o", tmp_path / "x.h5").exit_code == 0
    result = typed("train", "--resume", "-o", tmp_path / "x.h5", *asked)

    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())


def test_a_folder_of_summaries_is_told_where_it_appears(log: Path, tmp_path: Path) -> None:
    (tmp_path / "x.h5").write_bytes(log.read_bytes())
    first, second = typed("stats", tmp_path), typed("stats", tmp_path)

    assert f"summaries: {tmp_path / '.summaries'}" in first.stderr
    assert "summaries:" not in second.stderr


def test_what_appears_beside_a_log_is_ignored_by_git(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    ignored = (root / ".gitignore").read_text().splitlines()

    assert {"*.checkpoints/", ".summaries/", "*.report/", "*.rescue/", "*.before-resume-*.h5"} <= set(ignored)
    told_about = (root / "docs" / "faq.md").read_text()
    assert all(name in told_about for name in (".checkpoints/", ".summaries/", ".before-resume-1.h5"))
