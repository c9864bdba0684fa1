"""`lenet-diag replay`: open any step of a run, exactly."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reports.commands.exit_codes import UNREADABLE, one_line_errors, tell_damage
from reports.commands.values import FOLDER, FROM_0, LOG, PATH, file_ending_in
from reports.terminal.output import say, talk

if TYPE_CHECKING:
    from diagnostics.replay import ReplayedRun

CHECK = "--check"
WHOLE = ":"


class CommandWithCheck(click.Command):
    """Lets ``--check`` stand before the log: only what looks like steps is taken for its value."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        told: list[str] = []
        for place, word in enumerate(args):
            after = args[place + 1] if place + 1 < len(args) else ""
            told.append(f"{CHECK}={WHOLE}" if word == CHECK and not re.fullmatch(r"[\d:]+", after) else word)
        return super().parse_args(ctx, told)


@click.command(name="replay", cls=CommandWithCheck)
@click.argument("path", metavar="RUN.h5", type=LOG)
@click.option("--step", type=FROM_0, help="The step to open.  [default: those of the blow and of the first link]")
@click.option(CHECK, "check", metavar="[A:B]", help="Only say whether the run, or its steps A to B, is proven.")
@click.option(
    "--state",
    metavar="FILE.npz",
    type=file_ending_in(".npz"),
    help="Also write the exact state before the step; lenet.load_state reads it.",
)
@click.option("--data", metavar="FOLDER", type=PATH, help="The data the run was trained on.")
@click.option(
    "-o",
    "--out",
    metavar="OUTDIR",
    type=FOLDER,
    help="Where to write.  [default: RUN.origin beside the log, or RUN.step-S]",
)
def command(
    path: Path, step: int | None, check: str | None, state: Path | None, data: Path | None, out: Path | None
) -> None:
    """Train a logged run again up to a step, prove that it is the run, and open the step.

    Every row that is made again is compared with the log, bit for bit. The page
    origin.html shows the batch, the loss along the step, and the units of the layer
    in question before and after it, beside an ordinary step of the same run.
    Exit code 3 where the run cannot be replayed, or is not what its log says.
    """
    if check is not None and any(option is not None for option in (step, state, out)):
        raise click.UsageError(f"{CHECK} only says whether the run is proven; --step, --state and -o go without it")
    with one_line_errors():
        from diagnostics.log.names import checkpoint_folder
        from diagnostics.log.reader import open_run
        from diagnostics.replay import replay

        if state is not None and state.resolve().parent == checkpoint_folder(path.resolve()):
            raise click.UsageError(f"--state: {state} is among the checkpoints of the run; give another place")
        run = open_run(path)
        damage = tell_damage(path, run)
        replayed = replay(run, data)
        code = _check(replayed, check) if check is not None else _open(replayed, path, step, state, out)
    sys.exit(max(code, damage))


def _check(replayed: ReplayedRun, steps: str) -> int:
    """Say whether some or all steps are proven; returns the exit code. Raises ReplayError and click.UsageError."""
    found = re.fullmatch(r"(\d*):?(\d*)", steps)
    if found is None:
        raise click.UsageError(f"{CHECK}: received {steps}, expected A:B, such as 0:99, or nothing for the whole run")
    first, last = found.groups()
    if ":" not in steps:
        last = first
    proof = replayed.check(int(first or 0), int(last) if last else None)
    for note in proof.notes:
        talk(note)
    say(f"{'proven' if proof.is_proven else 'not proven'}: {proof}")
    return 0 if proof.is_proven else UNREADABLE


def _open(replayed: ReplayedRun, path: Path, step: int | None, state: Path | None, out: Path | None) -> int:
    """Open the step that was asked for, or the origin; returns the exit code. Raises ReplayError."""
    from diagnostics.files import check_replaceable, write_bytes
    from diagnostics.replay.opened import open_origin, open_step
    from lenet.training.state import packed_state
    from reports.pages.origin_page import PAGE, write_origin
    from reports.text.opened import proof_sentence, what_happened

    folder = out or path.with_suffix(".origin" if step is None else f".step-{step}")
    check_replaceable(folder / PAGE)  # before the seconds that a replay takes
    opened = open_origin(replayed) if step is None else open_step(replayed, step)
    talk(proof_sentence(opened.proof))
    for note in opened.proof.notes:
        talk(f"note: {note}")
    for sentence in what_happened(opened):
        talk(f"  {sentence}")
    if state is not None:
        write_bytes(state, packed_state(opened.main.moment.state))
        say(state)
    say(write_origin(opened, folder))
    return 0
