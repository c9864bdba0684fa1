"""`lenet-diag train`: train a network on MNIST, log every step, and judge the run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from diagnostics.detect.rollback_remedies import DEFAULT_REMEDY, ROLLBACK_REMEDIES
from lenet.setting_values import option_name
from reports.commands.exit_codes import DEFECTS, FAILED, INTERRUPTED, one_line_errors
from reports.commands.grouped_help import GroupedCommand
from reports.commands.options import ON_DEFECT, STEPS, given_in, grouped, log_options, train_options
from reports.commands.resumed import resumed
from reports.commands.values import FROM_0, LOG
from reports.text.stopping import stopping_price


@click.command(name="train", cls=GroupedCommand)
@train_options
@grouped(
    "remedies",
    "--on-defect",
    default="continue",
    show_default=True,
    type=ON_DEFECT,
    help="What to do with a defect run. restart takes the next seed; rollback goes on with a remedy from the last "
    f"checkpoint before its chain of events; both up to three times. The price of stop: {stopping_price()}.",
)
@grouped(
    "remedies",
    "--rollback-with",
    default=DEFAULT_REMEDY,
    show_default=True,
    type=click.Choice(list(ROLLBACK_REMEDIES)),
    help="What a rollback goes on with; clip is at the median norm of the healthy steps before.",
)
@grouped(
    "remedies",
    "--rollback-reshuffle",
    is_flag=True,
    help="A rollback goes on with a new order of the samples that are left.",
)
@grouped(
    "log",
    "-o",
    "--out",
    metavar="FILE",
    type=LOG,
    help="The log; its folder is made.  [default: runs/NETWORK-seedSEED-TIME.h5]",
)
@grouped("log", "--overwrite", is_flag=True, help="Replace an existing log.")
@grouped(
    "log",
    "--resume",
    is_flag=True,
    help="Go on with the run in --out from its last checkpoint; with larger --epochs or --steps also with one that "
    "has ended.",
)
@grouped("log", "--checkpoint-every", type=STEPS, help="Save the exact state every so many steps.  [default: 100]")
@log_options(have_defaults=True)
@grouped("log", "--no-log", is_flag=True, help="Judge the run, but write no log.")
@grouped(
    "log",
    "--on-log-error",
    default="continue",
    show_default=True,
    type=click.Choice(["continue", "stop"]),
    help="What to do when the log cannot be written any more.",
)
@grouped("watching", "--watch", is_flag=True, help="Show the run live; off a terminal, the printed lines.")
@grouped(
    "watching",
    "--print-every",
    default=64,
    show_default=True,
    type=FROM_0,
    help="Print a line every so many steps of an epoch (0: never).",
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
    """Train a network on MNIST with the paper's settings, or others.

    Every step is logged, and the run is judged while it goes. At the end you are
    told the verdict, accuracy and loss, where the log is, and what to type next. All
    cores are used where --threads says nothing else. Exit code 4 where the log had to
    stop before the run ended, 1 where --on-defect stop ended a defect run.
    """
    logged = {name: options.pop(name) for name in RECORDED_AS_NAMED}
    given = given_in(context)
    _check(given)
    with one_line_errors():
        from diagnostics.errors import LogExistsError
        from diagnostics.record.options import RecordingOptions, while_training
        from lenet.settings import Settings
        from reports.commands.run_and_tell import TrainOptions, train

        settings, is_longer = resumed(given, out) if resume and out else (Settings(**options), False)
        recording = RecordingOptions(
            on_error=on_log_error,
            on_defect=None if resume and "on_defect" not in given else while_training(on_defect),
            rollback_with=rollback_with,
            rollback_reshuffle=rollback_reshuffle,
            **logged,
        )
        chosen = TrainOptions(out, no_log, watch, print_every, on_defect, resume, is_longer, recording)
        try:
            results = train(settings, chosen)
        except LogExistsError as error:
            raise LogExistsError(f"{error}, or go on with it by --resume" if out and out.is_file() else error) from None
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)
    if any(result.log_failure is not None for result in results):
        sys.exit(FAILED)
    sys.exit(DEFECTS if on_defect == "stop" and results[-1].diagnosis.verdict.is_defect else 0)


RECORDED_AS_NAMED = ("overwrite", "log_every", "histograms_every", "checkpoint_every")
LOG_OPTIONS = (*RECORDED_AS_NAMED, "resume", "on_log_error")


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
