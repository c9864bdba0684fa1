"""What users run into: README's code as printed, Ctrl-C, full disks, and paths that are not what they seem."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from diagnostics import diagnose
from diagnostics.detect.findings import Verdict
from diagnostics.errors import LogError
from diagnostics.log.names import checkpoint_folder
from diagnostics.log.reader import open_run
from diagnostics.record.recorder import Recorder
from lenet.hooks import Hook
from reports.cli import main
from tests.helpers import forked
from tests.helpers.broken_runs import lenet_log
from tests.helpers.command_line import typed
from tests.helpers.small_mnist import write_mnist

ROOT = Path(__file__).parents[1]
COMMAND = "from reports.cli import main; main()"
TRAIN = ["train", "--network", "feedforward", "--limit", "1280", "--steps", "12"]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("log") / "a.h5"
    assert typed(*TRAIN, "--out", path).exit_code == 0
    return path


def test_the_code_of_the_readme_runs_as_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(lenet_log(lr=3.0), tmp_path / "dead.h5")
    shutil.copy(lenet_log(lr=0.05), tmp_path / "healthy.h5")
    write_mnist(tmp_path / "lenet/data/mnist", images=1280)
    monkeypatch.chdir(tmp_path)
    training, analysis = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)

    names: dict[str, Any] = {}
    exec(training.replace("epochs=3", "epochs=1"), names)
    exec(analysis, names)

    assert len(names["run"].steps) == 10
    assert names["for_ten"].to_numpy().any()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs RLIMIT_FSIZE")
@pytest.mark.parametrize("kilobytes", [129, *(pytest.param(other, marks=pytest.mark.slow) for other in (1, 200))])
def test_no_room_for_a_log_is_one_line_before_training(tmp_path: Path, kilobytes: int) -> None:
    train = "train --network lenet --limit 640 --steps 5 --out x.h5"
    done = forked.run("-c", forked.file_size_limit(kilobytes << 10) + COMMAND, *train.split(), cwd=tmp_path)

    assert done.returncode == 4, done.stderr
    assert re.fullmatch(r"error: x\.h5: cannot be made( in folder \.)?: file too large\n", done.stderr)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["diagnose", "x.h5"], ["stats", "x.h5"], ["rules"], TRAIN])
def test_ctrl_c_is_130_in_every_command(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("click.Command.invoke", interrupted)
    result = typed(*arguments)

    assert result.exit_code == 130
    assert "Aborted" not in result.output


@pytest.mark.parametrize(("more", "threads"), [([], 1), (["--threads", "2"], 2)])
def test_a_run_may_go_on_with_another_number_of_threads(
    more: list[str], threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, go_on = [*TRAIN, "--threads", "1"], ["train", "--resume", *more]
    assert typed(*begin, "--out", tmp_path / "x.h5").exit_code == 0
    asked: list[Any] = []
    healthy = SimpleNamespace(log_failure=None, diagnosis=SimpleNamespace(verdict=Verdict.HEALTHY))

    def train(settings: Any, options: Any) -> list[Any]:
        asked.append(settings)
        return [healthy]

    monkeypatch.setattr("reports.commands.run_and_tell.train", train)
    result = typed(*go_on, "--out", tmp_path / "x.h5")

    assert result.exit_code == 0
    assert [settings.threads for settings in asked] == [threads]


@pytest.mark.parametrize("command", ["diagnose", "stats"])
def test_a_bad_path_does_not_hide_the_others(command: str, log: Path, tmp_path: Path) -> None:
    missing = tmp_path / "missing.h5"
    result = typed(command, missing, log)

    assert result.exit_code == 3
    assert result.stderr.startswith(f"error: {missing}: no such file or folder\n")
    assert log.stem in result.stdout or "feedforward" in result.stdout


def test_a_dangling_link_in_a_folder_is_named(log: Path, tmp_path: Path) -> None:
    shutil.copy(log, tmp_path / "good.h5")
    (tmp_path / "dangling.h5").symlink_to("nowhere")
    result = typed("stats", tmp_path)

    assert result.exit_code == 3
    assert result.stderr.count("\n") >= 1
    assert "dangling.h5: " in result.stderr
    assert "feedforward" in result.stdout


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_no_log_and_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.h5")

    with pytest.raises(LogError, match="is no regular file"):
        open_run(tmp_path / "x.h5")


@pytest.mark.parametrize("option", ["--epochs", "--seed", "--log-every", "--histograms-every", "--checkpoint-every"])
def test_a_number_too_large_is_refused_by_name(option: str, tmp_path: Path) -> None:
    result = typed(*TRAIN, option, 2**64, "--out", tmp_path / "x.h5")

    assert result.exit_code == 2
    assert option in result.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [["--help"], ["schema"], ["diagnose", "a.h5", "--json"]])
def test_where_nobody_can_read_is_no_crash(arguments: list[str], log: Path) -> None:
    def told(stdout: int) -> tuple[int | None, str]:
        program = forked.start("-m", "reports", *arguments, cwd=log.parent, stdout=stdout, stderr=forked.PIPE)
        _, stderr = program.communicate()
        return program.returncode, stderr

    with Path("/dev/full").open("wb") as full:
        refused = told(full.fileno())
    reading, writing = os.pipe()
    os.close(reading)
    unread = told(writing)
    os.close(writing)

    assert refused[0] == 4
    assert re.fullmatch(r"error: (standard output: )?no space left on device\n", refused[1])
    assert unread == (141, "")


@pytest.mark.usefixtures("no_pictures")
def test_what_the_terminal_cannot_show_ends_no_command(log: Path, tmp_path: Path) -> None:
    names = ["–.h5", os.fsdecode(b"\xff.h5")]
    for name in names:
        shutil.copy(log, tmp_path / name)
    commands = [[command, str(tmp_path / name)] for command in ("watch", "diagnose") for name in names]
    for command in [*commands, ["report", str(tmp_path)], ["stats", str(tmp_path), "--save", str(tmp_path / "saved")]]:
        result = CliRunner(charset="ascii").invoke(main, command)

        assert result.exit_code == 0, (command, result.output, result.exception)
        assert result.stdout

    assert (tmp_path / "report/\N{REPLACEMENT CHARACTER}/report.html").exists()


def test_a_name_too_long_is_one_line(tmp_path: Path) -> None:
    result = typed(*TRAIN, "--out", tmp_path / ("x" * 260 + ".h5"))

    assert result.exit_code == 4
    assert result.stderr.count("\n") == 1
    assert "too long" in result.stderr


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs RLIMIT_FSIZE")
def test_a_log_that_had_to_stop_is_told_at_the_end_and_by_the_exit_code(tmp_path: Path) -> None:
    words = [*TRAIN, "--steps", "300", "--epochs", "60", "--out", "x.h5"]
    done = forked.run("-c", forked.file_size_limit(250 << 10) + COMMAND, *words, cwd=tmp_path)

    assert done.returncode == 4
    assert "the log is incomplete: file too large; what was flushed before is kept" in done.stderr
    assert "undecided" in done.stdout or "healthy" in done.stdout, "training went on to its end"


def test_two_logs_never_share_their_checkpoints(tmp_path: Path) -> None:
    folders = {checkpoint_folder(tmp_path / name) for name in ("x.h5", "x.txt", "x", "x.h5.h5")}

    assert len(folders) == 4
    assert tmp_path / "x.checkpoints" in folders


@pytest.mark.parametrize(
    "wrong",
    [
        {"on_defect": "restart"},
        {"on_error": "x"},
        {"log_every": 1.5},
        {"log_every": 0},
        {"checkpoint_every": -1},
        {"detector": "x"},
    ],
)
def test_a_recorder_refuses_what_it_cannot_do(wrong: dict[str, Any]) -> None:
    name, value = next(iter(wrong.items()))

    with pytest.raises(ValueError, match=rf"^Recorder: {name}: received {value!r}, expected"):
        Recorder(**wrong)


@pytest.mark.parametrize("path", ["x.h5", Path("x.h5")])
def test_a_path_is_no_run_and_the_way_to_one_is_told(path: Any) -> None:
    with pytest.raises(TypeError, match=r"received .*x\.h5.*, expected a run; diagnostics\.open_run\(path\)"):
        diagnose(path)


@pytest.mark.parametrize(
    ("option", "opened"),
    [
        ("--lr", "--no-replay"),
        *(pytest.param(option, "--replay", marks=pytest.mark.slow) for option in ("--lr", "--l1", "--l2")),
    ],
)
def test_absurd_settings_are_a_run_that_diverged_and_no_warnings(option: str, opened: str, tmp_path: Path) -> None:
    log = str(tmp_path / "x.h5")
    for command in ([*TRAIN, option, "1e300", "--out", log], ["diagnose", log], ["report", log, opened]):
        result = typed(*command)

        assert result.exit_code == 0, result.exception  # a warning is an error here
    assert open_run(log).verdict == "diverged"
    assert "the rule failed" not in str(open_run(log).diagnosis.checks)


def test_a_misspelt_event_is_refused_where_it_is_inherited_too() -> None:
    class Mixin:
        def on_stepend(self, event: object) -> None: ...

    with pytest.raises(TypeError, match="unknown event on_stepend"):

        class Listener(Mixin, Hook):
            pass
