"""Trainings that are killed, resumed, and killed again until they end; each process is a fork, which costs little."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

from diagnostics.record.recorder import Recorder
from lenet.hooks import Hook
from tests.helpers.small_trainings import small_model, train

EPOCHS = 4
CHECKPOINT_EVERY = 7
LAST_STRIKE = 44
"""Of 52 steps; a run that is killed at its very end may be complete."""
MOST_KILLS = 3
END = b"\xff"
"""Comes before the digest; no step has this number."""


class TellThrough(Hook):
    """Says through a pipe which step has ended."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def on_step_end(self, event: Any) -> None:
        os.write(self._pipe, bytes([event.step]))


def train_in_fork(path: Path, resume: bool, report: int) -> None:
    """Train to the end, say the steps and then the digest through ``report``, and exit."""
    try:
        model = small_model()
        recorder = Recorder(path, model=model, checkpoint_every=CHECKPOINT_EVERY)
        if resume:
            recorder.resume(model)
        train([recorder, TellThrough(report)], model, epochs=EPOCHS)
        os.write(report, END + model.digest().encode())
        os._exit(0)
    finally:
        os._exit(1)


def attempt(path: Path, resume: bool, strike: int | None, pause: float) -> tuple[str, int]:
    """Train in a fork, and kill it after the step ``strike``; its digest, "" where it was killed, and its last step."""
    receive, report = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(receive)
        train_in_fork(path, resume, report)
    os.close(report)
    last, digest = -1, ""
    while data := os.read(receive, 1):
        if data == END:
            digest = os.read(receive, 1000).decode()
            continue
        last = data[0]
        if strike is not None and last >= strike:
            time.sleep(pause)
            os.kill(child, signal.SIGKILL)
            strike = None
    os.close(receive)
    os.waitpid(child, 0)
    return digest, last


def chain(path: Path, rng: random.Random) -> tuple[str, int]:
    """Kill a training up to three times at random moments; the digest at its end, and how often it was killed."""
    # Before its first checkpoint there is nothing to go on from.
    digest, last = attempt(path, False, rng.randrange(CHECKPOINT_EVERY, LAST_STRIKE), rng.uniform(0, 0.003))
    kills = 1
    while True:
        strike = rng.randrange(last, LAST_STRIKE) if kills < MOST_KILLS and last < LAST_STRIKE else None
        digest, last = attempt(path, True, strike, rng.uniform(0, 0.003))
        if digest:
            return digest, kills
        kills += 1


def main(folder: str, count: str, seed: str) -> None:
    """Print path, digest and number of kills of each chain."""
    for number in range(int(count)):
        path = Path(folder) / f"chain-{number}.h5"
        digest, kills = chain(path, random.Random(f"{seed} chain {number}"))
        sys.stdout.write(f"{path} {digest} {kills}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
