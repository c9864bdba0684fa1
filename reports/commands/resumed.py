"""`train --resume`: the settings of the run that is continued, and how much longer it may get."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lenet.setting_values import option_name
from lenet.settings import shown_setting

if TYPE_CHECKING:
    from lenet.settings import Settings

LONGER = ("epochs", "steps")
"""What a resumed run may be given more of. A run without --steps ends with its epochs, and any --steps would cut it."""


def resumed(given: dict[str, Any], log: Path) -> tuple[Settings, bool]:
    """The settings of the run in ``log``, and whether it is made longer than it was to be.

    given: the options that were typed.

    The number of threads never changes the result and may be another; ``--epochs`` and ``--steps`` may be larger.
    Raises click.UsageError for an option that says otherwise, and LogError where the log cannot be read.
    """
    from diagnostics.log.reader import open_run
    from lenet.settings import Settings

    run = open_run(log)
    if run.info.is_imported:
        raise click.UsageError(f"{log}: was imported from the log of another tool, which alone can go on with the run")
    if not run.info.settings:
        raise click.UsageError(f"{log}: was trained from Python; continue it there (Recorder.resume)")
    settings = Settings.from_dict(run.info.settings)
    before = {**vars(settings), "log_every": run.header.log_every, "histograms_every": run.header.histograms_every}
    longer: dict[str, int] = {}
    for name, value in given.items():
        if name == "threads":
            settings = replace(settings, threads=value)
        elif name in LONGER and before[name] is not None and value > before[name]:
            longer[name] = value
        elif name in before and before[name] != value:
            raise click.UsageError(_refusal(name, value, before[name], log))
    if longer and settings.lr_decay == "cosine" and settings.decay_every is None:
        raise click.UsageError(
            f"{option_name(next(iter(longer)))}: the run in {log} has --lr-decay cosine, whose learning rate falls to "
            "0 at the end of the run, so a longer run is another run from its first step on; start a new one"
        )
    asked = replace(settings, **longer)  # type: ignore[arg-type]  # epochs and steps are whole numbers
    if longer and asked.total_steps(run.info.steps_per_epoch) <= run.info.total_steps:
        words = " ".join(f"{option_name(name)} {value}" for name, value in longer.items())
        raise click.UsageError(
            f"{words}: the run in {log} ends after {run.info.total_steps} steps all the same "
            f"(--epochs {settings.epochs}, --steps {settings.steps}); give larger numbers of both"
        )
    return asked, bool(longer)


def _refusal(name: str, value: Any, own: Any, log: Path) -> str:
    more = ", or takes more" if name in LONGER and own is not None else ""
    was = "without it" if own is None else f"with {shown_setting(name, own)}"
    asked = f"{option_name(name)} {shown_setting(name, value)}"
    return f"{asked}: the run in {log} was started {was}; --resume keeps that{more}"
