"""`lenet-diag train`: train one network, log every step, judge the run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reports.commands.failures import DEFECTS, FAILED, INTERRUPTED, one_line_errors
from reports.commands.options import train_options

if TYPE_CHECKING:
    from diagnostics.recorder import Recorder

    from diagnostics.session import Outcome
    from lenet.hooks import Hook
    from lenet.model import Model
    from lenet.settings import Settings


@click.command(name="train")
@train_options
@click.option("--watch", is_flag=True, help="Show the run live; off a terminal, the printed lines.")
@click.option("--print-every", default=64, show_default=True, type=click.IntRange(min=0),
              help="Print a line every so many steps of an epoch (0: never).")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), help="The log; default runs/<network>-seed<seed>-<time>.h5.")
@click.option("--overwrite", is_flag=True, help="Replace an existing log.")
@click.option("--resume", is_flag=True, help="Go on with the run in --out from its last checkpoint.")
@click.option("--checkpoint-every", type=click.IntRange(min=1), help="Save the exact state every so many steps.")
@click.option("--log-every", default=1, show_default=True, type=click.IntRange(min=1), help="Log every so many steps.")
@click.option("--histograms-every", default=25, show_default=True, type=click.IntRange(min=0),
              help="Log histograms every so many steps (0: never).")  # fmt: skip
@click.option("--no-log", is_flag=True, help="Judge the run, but write no log.")
@click.option("--on-log-error", default="continue", show_default=True, type=click.Choice(["continue", "stop"]),
              help="What to do when the log cannot be written any more.")  # fmt: skip
@click.option("--on-defect", default="continue", show_default=True,
              type=click.Choice(["continue", "stop", "restart"]),
              help="What to do with a dead run; restart keeps it and takes the next seed, up to three times.")  # fmt: skip
@click.pass_context
def command(context: click.Context, **options: Any) -> None:
    """Train a network on MNIST with the report's settings, or others.

    Every step is logged, and the run is judged while it goes. At the end you are
    told the verdict, where the log is, and what to type next.
    """
    own = {name: options.pop(name) for name in OWN_OPTIONS}
    with one_line_errors():
        from lenet.settings import Settings

        _check(own)
        settings = _resumed(context, own["out"]) if own["resume"] else Settings(**options)
        try:
            code = _train(settings, **own)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            code = INTERRUPTED
    sys.exit(code)


OWN_OPTIONS = (
    "watch", "print_every", "out", "overwrite", "resume", "checkpoint_every", "log_every", "histograms_every",
    "no_log", "on_log_error", "on_defect",
)  # fmt: skip


def _check(own: dict[str, Any]) -> None:
    """Options that contradict each other. Raises click.UsageError."""
    if own["resume"] and own["out"] is None:
        raise click.UsageError("--resume needs --out FILE: the log to go on with")
    if own["resume"] and own["overwrite"]:
        raise click.UsageError("--resume and --overwrite contradict each other")
    if own["no_log"] and (own["out"] is not None or own["checkpoint_every"] is not None):
        raise click.UsageError("--no-log goes neither with --out nor with --checkpoint-every")
    if own["resume"] and own["on_defect"] == "restart":
        raise click.UsageError("--resume and --on-defect restart contradict each other")


def _resumed(context: click.Context, log: Path) -> Settings:
    """The settings of the run in ``log``. Raises click.UsageError for an option that says otherwise."""
    from diagnostics.reader import open_run
    from lenet.settings import Settings

    info = open_run(log).info
    if not info.settings:
        raise click.UsageError(f"{log}: was trained from Python; continue it there (Recorder.resume)")
    settings = Settings.from_dict(info.settings)
    for name, value in context.params.items():
        given = context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        if given and name != "threads" and hasattr(settings, name) and getattr(settings, name) != value:
            flag, own = "--" + name.replace("_", "-"), getattr(settings, name)
            raise click.UsageError(f"{flag} {value}: the run in {log} was started with {own}; --resume keeps that")
    return settings


def _train(settings: Settings, *, watch: bool, out: Path | None, no_log: bool, on_defect: str, **own: Any) -> int:
    """Train, and again with the next seed where a dead run is to be restarted; returns the exit code."""
    from diagnostics.session import MOST_RESTARTS, default_path, next_attempt
    from lenet.data import load_dataset

    data = load_dataset(settings.data, settings.limit)
    for attempt in range(MOST_RESTARTS + 1):
        path = None if no_log else out if out is not None and attempt == 0 else default_path(settings, _folder(out))
        outcome = _run_once(settings, path, watch, data, "continue" if on_defect == "continue" else "stop", own)
        _tell(outcome, settings)
        if not outcome.diagnosis.verdict.is_defect:
            return 0
        if on_defect == "continue":
            return 0
        if on_defect == "stop" or attempt == MOST_RESTARTS:
            return DEFECTS
        settings = next_attempt(settings)
        click.echo(f"restarting with seed {settings.seed}; the dead run is kept and counts", err=True)
    return FAILED


def _folder(out: Path | None) -> Path:
    return out.parent if out is not None else Path("runs")


def _run_once(
    settings: Settings, path: Path | None, watch: bool, data: Any, on_defect: Any, own: dict[str, Any]
) -> Outcome:
    from diagnostics.session import run_training

    is_live = watch and sys.stdout.isatty()
    print_every = own.pop("print_every")
    view = _LiveViews(settings) if is_live else None
    try:
        return run_training(
            settings,
            path,
            dataset=data,
            on_defect=on_defect,
            print_every=0 if is_live else print_every,
            hooks=view.hooks if view else None,
            **own,
        )
    finally:
        own["print_every"] = print_every


class _LiveViews:
    """Makes the live view once recorder and model are there."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def hooks(self) -> Callable[[Recorder, Model], Sequence[Hook]]:
        return self._make

    def _make(self, recorder: Recorder, model: Model) -> Sequence[Hook]:
        from reports.terminal.live import LiveView

        return [LiveView(recorder)]


def _tell(outcome: Outcome, settings: Settings) -> None:
    """Where the log is, what the verdict is, and the next command to type."""
    from reports.verdict_text import diagnosis_text

    click.echo(diagnosis_text(outcome.diagnosis), err=True)
    if outcome.path is not None:
        click.echo(f"log:  {outcome.path}", err=True)
        click.echo(f"next: lenet-diag report {outcome.path}", err=True)
