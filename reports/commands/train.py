"""`lenet-diag train`: train a network on MNIST, log every step, and judge the run."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from diagnostics.detect.rollback_remedies import DEFAULT_REMEDY, ROLLBACK_REMEDIES
from lenet.settings import option_name
from reports.commands.exit_codes import DEFECTS, FAILED, INTERRUPTED, one_line_errors
from reports.commands.options import STEPS, STEPS_OR_NEVER, train_options
from reports.commands.values import FROM_0, LOG
from reports.text.stopping import stopping_price

if TYPE_CHECKING:
    from lenet.settings import Settings


@click.command(name="train")
@train_options
@click.option("--watch", is_flag=True, help="Show the run live; off a terminal, the printed lines.")
@click.option(
    "--print-every",
    default=64,
    show_default=True,
    type=FROM_0,
    help="Print a line every so many steps of an epoch (0: never).",
)
@click.option("--out", type=LOG, help="The log.  [default: runs/NETWORK-seedSEED-TIME.h5]")
@click.option("--overwrite", is_flag=True, help="Replace an existing log.")
@click.option("--resume", is_flag=True, help="Go on with the run in --out from its last checkpoint.")
@click.option("--checkpoint-every", type=STEPS, help="Save the exact state every so many steps.  [default: 100]")
@click.option("--log-every", default=1, show_default=True, type=STEPS, help="Log every so many steps.")
@click.option(
    "--histograms-every",
    default=25,
    show_default=True,
    type=STEPS_OR_NEVER,
    help="Log histograms every so many steps (0: never).",
)
@click.option("--no-log", is_flag=True, help="Judge the run, but write no log.")
@click.option(
    "--on-log-error",
    default="continue",
    show_default=True,
    type=click.Choice(["continue", "stop"]),
    help="What to do when the log cannot be written any more.",
)
@click.option(
    "--on-defect",
    default="continue",
    show_default=True,
    type=click.Choice(["continue", "stop", "restart", "rollback"]),
    help="What to do with a dead run. restart takes the next seed; rollback goes on with a remedy from the last "
    f"checkpoint before the trouble began; both up to three times. The price of stop: {stopping_price()}.",
)
@click.option(
    "--rollback-with",
    default=DEFAULT_REMEDY,
    show_default=True,
    type=click.Choice(list(ROLLBACK_REMEDIES)),
    help="What a rollback goes on with; clip is at the median norm of the healthy steps before.",
)
@click.option(
    "--rollback-reshuffle", is_flag=True, help="A rollback goes on with a new order of the samples that are left."
)
@click.pass_context
def command(
    context: click.Context,
    /,
    watch: bool,
    print_every: int,
    out: Path | None,
    resume: bool,
    no_log: bool,
    on_defect: Any,
    rollback_with: str,
    rollback_reshuffle: bool,
    on_log_error: Any,
    **options: Any,
) -> None:
    """Train a network on MNIST with the report's settings, or others.

    Every step is logged, and the run is judged while it goes. At the end you are
    told the verdict, where the log is, and what to type next. All cores are used
    where --threads says nothing else. Exit code 4 where the log had to stop before
    the run ended, 1 where --on-defect stop ended a dead run.
    """
    logged = {name: options.pop(name) for name in RECORDED_AS_NAMED}
    given = _given(context)
    _check(given)
    with one_line_errors():
        from diagnostics.record.options import RecordingOptions, while_training
        from lenet.settings import Settings
        from reports.commands.run_and_tell import TrainOptions, train

        settings = _resumed(given, out) if resume and out else Settings(**options)
        recording = RecordingOptions(
            on_error=on_log_error,
            on_defect=None if resume and "on_defect" not in given else while_training(on_defect),
            rollback_with=rollback_with,
            rollback_reshuffle=rollback_reshuffle,
            **logged,
        )
        try:
            results = train(settings, TrainOptions(out, no_log, watch, print_every, on_defect, resume, recording))
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)
    if any(result.log_failure is not None for result in results):
        sys.exit(FAILED)
    sys.exit(DEFECTS if on_defect == "stop" and results[-1].diagnosis.verdict.is_defect else 0)


RECORDED_AS_NAMED = ("overwrite", "log_every", "histograms_every", "checkpoint_every")
LOG_OPTIONS = (*RECORDED_AS_NAMED, "resume", "on_log_error")


def _given(context: click.Context) -> dict[str, Any]:
    """The options that were typed, and their values."""
    typed = click.core.ParameterSource.COMMANDLINE
    return {name: value for name, value in context.params.items() if context.get_parameter_source(name) is typed}


def _check(given: dict[str, Any]) -> None:
    """Options that contradict each other. Raises click.UsageError."""
    if "resume" in given and "out" not in given:
        raise click.UsageError("--resume needs --out FILE: the log to go on with")
    for_a_log = next((name for name in ("out", *LOG_OPTIONS) if name in given), None)
    if "no_log" in given and for_a_log:
        raise click.UsageError(
            f"--no-log and {option_name(for_a_log)} contradict each other: there is no log to apply it to"
        )
    if "resume" in given and "overwrite" in given:
        raise click.UsageError("--resume and --overwrite contradict each other")
    if "no_log" in given and given.get("on_defect") == "rollback":
        raise click.UsageError("--no-log and --on-defect rollback contradict each other: a rollback needs checkpoints")
    for name in ("rollback_with", "rollback_reshuffle"):
        if name in given and given.get("on_defect") != "rollback":
            raise click.UsageError(f"{option_name(name)} needs --on-defect rollback")
    if "resume" in given and given.get("on_defect") == "restart":
        raise click.UsageError("--resume and --on-defect restart contradict each other")


def _resumed(given: dict[str, Any], log: Path) -> Settings:
    """The settings of the run in ``log``. Raises click.UsageError for an option that says otherwise.

    Only the number of threads may be another: it never changes the result.
    """
    from diagnostics.log.reader import open_run
    from lenet.settings import Settings

    run = open_run(log)
    if not run.info.settings:
        raise click.UsageError(f"{log}: was trained from Python; continue it there (Recorder.resume)")
    settings = Settings.from_dict(run.info.settings)
    before = {**vars(settings), "log_every": run.header.log_every, "histograms_every": run.header.histograms_every}
    for name, value in given.items():
        if name == "threads":
            settings = replace(settings, threads=value)
        elif name in before and before[name] != value:
            own = before[name]
            raise click.UsageError(
                f"{option_name(name)} {value}: the run in {log} was started with {own}; --resume keeps that"
            )
    return settings
