"""Measures how fast the trainer is beside PyTorch.

    pip install torch==2.13.0
    python -m benchmarks.speed.trainer [--write docs/benchmarks/trainer.md] [--rounds 9]
    python -m benchmarks.speed.trainer --profile

Every rival runs in its own process and waits while the others are timed. They take turns
in short blocks of steps, so that all run under the same conditions. The figures are medians
over all blocks, and ratios are taken block by block. Without PyTorch only our own figures
are printed.
"""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import common
from benchmarks.common import ROOT
from benchmarks.speed.profile import StepTimes, step_content, step_times
from lenet.data import load_dataset

NETWORKS = ("feedforward", "conv", "conv2", "conv-pool", "lenet")
FORMS = ("eager", "channels-last", "compile")
BATCHES = (32, 64, 128, 256, 512, 1024)
BLOCK = {"conv2": 6}
USUAL_BLOCK = 20
Times = dict[str, list[float]]


class Rival:
    """A process that answers ``steps N`` with the seconds of N training steps."""

    def __init__(self, name: str, network: str, batch_size: int, threads: int) -> None:
        self.name, self.network = name, network
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.speed.rivals", name, network, str(batch_size), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=ROOT,
        )
        self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def ask(self, command: str) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        return self._read()

    def close(self) -> None:
        self._process.communicate()


def race(names: list[str], network: str, batch_size: int, threads: int, rounds: int) -> Times:
    """Median milliseconds of each rival in each round, taken in turns."""
    rivals = [Rival(name, network, batch_size, threads) for name in names]
    block = max(4, BLOCK.get(network, USUAL_BLOCK) * 128 // max(128, batch_size))
    medians: Times = {name: [] for name in names}
    for turn in range(rounds):
        for rival in rivals if turn % 2 == 0 else reversed(rivals):
            medians[rival.name].append(statistics.median(rival.ask(f"steps {block}")) * 1e3)
    for rival in rivals:
        rival.close()
    return medians


@dataclass(frozen=True)
class TrainerSpeed:
    """What was measured; times are milliseconds a step in each round, by the name of the rival.

    Args:
        rounds: how many turns each rival had.
        torch: the version of PyTorch, or None without it.
        threads: times of lenet at batch 128, by the number of threads.
        networks: times of the other networks at batch 128 on two threads, by network.
        batches: times of lenet on two threads, by batch size.
        validation: seconds of each validation of 10,000 images, by rival.
        memory: peak memory of a run in MB, by its number of steps.
        step: the times of the parts of a step of lenet.
    """

    rounds: int
    torch: str | None
    threads: Mapping[int, Times]
    networks: Mapping[str, Times]
    batches: Mapping[int, Times]
    validation: Times
    memory: Mapping[int, float]
    step: StepTimes


def measure(rounds: int) -> TrainerSpeed:
    """All measurements."""
    torch = version("torch") if importlib.util.find_spec("torch") else None
    names = ["ours", *(FORMS if torch else ())]
    eager = names[:2]
    return TrainerSpeed(
        rounds,
        torch,
        {threads: race(names, "lenet", 128, threads, rounds) for threads in (1, 2)},
        {network: race(eager, network, 128, 2, rounds) for network in NETWORKS if network != "lenet"},
        {batch: race(eager, "lenet", batch, 2, rounds) for batch in BATCHES},
        validation(eager, rounds),
        {steps: peak_memory(steps) for steps in (20, 500)},
        step_times("lenet", 128, load_dataset(limit=6000)),
    )


def prepare(speed: TrainerSpeed) -> dict[str, Any]:
    """What the template prints: each cell of each table as text."""
    _, *rivals = next(iter(speed.threads.values()))
    return {
        "speed": speed,
        "time_heads": ["ours, ms", *(f"PyTorch {name}, ms (ours / theirs)" for name in rivals)],
        "threads": [(str(threads), *cells(times)) for threads, times in speed.threads.items()],
        "networks": [(network, *cells(times)) for network, times in speed.networks.items()],
        "batches": [
            (str(batch), *cells(times), f"{statistics.median(times['ours']) * 1e3 / batch:.1f}")
            for batch, times in speed.batches.items()
        ],
        "validation": {name: f"{statistics.median(seconds) * 1e3:.0f}" for name, seconds in speed.validation.items()},
        "memory": {steps: f"{megabytes:.0f}" for steps, megabytes in speed.memory.items()},
        **step_content(speed.step),
    }


def cells(times: Times) -> list[str]:
    """Our median, and each rival's with the median of ours over theirs, turn by turn."""
    ours, *rivals = times.values()
    ratios = [[a / b for a, b in zip(ours, theirs, strict=True)] for theirs in rivals]
    return [f"{statistics.median(ours):.2f}"] + [
        f"{statistics.median(theirs):.2f} ({statistics.median(ratio):.2f})"
        for theirs, ratio in zip(rivals, ratios, strict=True)
    ]


def validation(names: list[str], rounds: int) -> Times:
    """Seconds of each validation of 10,000 images, in turns."""
    rivals = [Rival(name, "lenet", 128, 2) for name in names]
    seconds: Times = {rival.name: [] for rival in rivals}
    for _ in range(rounds):
        for rival in rivals:
            seconds[rival.name].append(rival.ask("validate"))
    for rival in rivals:
        rival.close()
    return seconds


def peak_memory(steps: int) -> float:
    """Peak memory, in MB, of a process that loads the data set and trains lenet for so many steps."""
    program = (
        f"from benchmarks.speed.rivals import ours; import resource; steps, _ = ours('lenet', 128, 2); steps({steps});"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return int(done.stdout) / 1024


def main() -> None:
    parser = common.parser("benchmarks.speed.trainer", __doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--write", type=Path, help="also write the page to this file")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--network", choices=NETWORKS, default="lenet")
    parser.add_argument("--convolution", choices=["exact", "report"], default="exact")
    parser.add_argument("--batch-size", type=int, default=128)
    options = parser.parse_args()
    if options.profile:
        data = load_dataset(limit=max(6000, options.batch_size))
        times = step_times(options.network, options.batch_size, data, options.convolution)
        page = common.render("step-times.md.j2", step_content(times))
    else:
        page = common.render("trainer.md.j2", prepare(measure(options.rounds)))
    common.publish(page, options.write)


if __name__ == "__main__":
    main()
