"""How fast the trainer is, against PyTorch, side by side.

    pip install torch==2.13.0
    python -m benchmarks.speed.trainer [--write docs/benchmarks/trainer.md] [--rounds 9]
    python -m benchmarks.speed.trainer --profile

Every rival runs in a process of its own and waits while the others are timed. They
take turns in short blocks of steps, so that all see the same machine; the figures are
medians over all blocks, and ratios are taken block by block. Without PyTorch only our
own figures are printed.
"""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks import common
from benchmarks.common import ROOT, machine
from benchmarks.speed.profile import profile
from diagnostics.provenance import commit
from lenet.data import load_dataset

NETWORKS = ("feedforward", "conv", "conv2", "conv-pool", "lenet")
FORMS = ("eager", "channels-last", "compile")
BATCHES = (32, 64, 128, 256, 512, 1024)
BLOCK = {"conv2": 6}
USUAL_BLOCK = 20
SCALING = """Two threads do less than twice the work of one. When it was measured, a shard of 64 images took 2.2 ms
alone and 2.8 ms beside another: two processes that share nothing slow each other by a tenth (shared cache and memory);
the rest is waiting for the interpreter lock, which every NumPy call gives up and takes back."""


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


def race(names: list[str], network: str, batch_size: int, threads: int, rounds: int) -> dict[str, list[float]]:
    """Median milliseconds of each rival in each round, taken in turns."""
    rivals = [Rival(name, network, batch_size, threads) for name in names]
    block = max(4, BLOCK.get(network, USUAL_BLOCK) * 128 // max(128, batch_size))
    medians: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        for rival in rivals if turn % 2 == 0 else reversed(rivals):
            medians[rival.name].append(statistics.median(rival.ask(f"steps {block}")) * 1e3)
    for rival in rivals:
        rival.close()
    return medians


def row(label: str, names: list[str], medians: dict[str, list[float]]) -> str:
    """One line of a table: our time, each rival's time, and ours over theirs."""
    cells = [label, f"{statistics.median(medians['ours']):.2f}"]
    for name in names[1:]:
        ratios = [a / b for a, b in zip(medians["ours"], medians[name], strict=True)]
        cells.append(f"{statistics.median(medians[name]):.2f} ({statistics.median(ratios):.2f})")
    return "| " + " | ".join(cells) + " |"


def header(first: str, names: list[str]) -> str:
    titles = [first, "ours, ms", *(f"PyTorch {name}, ms (ours / theirs)" for name in names[1:])]
    return "| " + " | ".join(titles) + " |\n|" + "---|" * len(titles)


def tables(rounds: int) -> str:
    """All tables, as Markdown."""
    has_torch = importlib.util.find_spec("torch") is not None
    names = ["ours", *(FORMS if has_torch else ())]
    eager = names[:2]
    parts = [
        "# Speed of the trainer\n",
        f"Made at commit {commit()} by `python -m benchmarks.speed.trainer --rounds {rounds}` on {machine()}"
        + (f", PyTorch {_torch_version()}" if has_torch else "")
        + ". Training steps with loss and accuracy on MNIST, float32; medians of "
        f"{rounds} turns, ratios turn by turn. Machines are noisy: quote the ratios.\n",
        "## LeNet, batch 128\n",
        header("threads", names),
        *(row(str(threads), names, race(names, "lenet", 128, threads, rounds)) for threads in (1, 2)),
        "\n## The other networks, batch 128, 2 threads\n",
        header("network", eager),
        *(row(network, eager, race(eager, network, 128, 2, rounds)) for network in NETWORKS if network != "lenet"),
        "\n## LeNet by batch size, 2 threads\n",
        header("batch", eager).replace("|\n", "| ours, us a sample |\n", 1) + "---|",
    ]
    for batch_size in BATCHES:
        medians = race(eager, "lenet", batch_size, 2, rounds)
        sample = statistics.median(medians["ours"]) * 1e3 / batch_size
        parts.append(row(str(batch_size), eager, medians) + f" {sample:.1f} |")
    parts += ["\n## Validation of 10,000 images and memory, LeNet, 2 threads\n", *validation_and_memory(names, rounds)]
    parts += ["\n## Where the time of a LeNet step goes\n", profile("lenet", 128, load_dataset(limit=6000))]
    parts += ["\n" + SCALING]
    return "\n".join(parts) + "\n"


def validation_and_memory(names: list[str], rounds: int) -> list[str]:
    rivals = [Rival(name, "lenet", 128, 2) for name in names[:2]]
    seconds: dict[str, list[float]] = {rival.name: [] for rival in rivals}
    for _ in range(rounds):
        for rival in rivals:
            seconds[rival.name].append(rival.ask("validate"))
    for rival in rivals:
        rival.close()
    lines = [f"- validation, {name}: {statistics.median(values) * 1e3:.0f} ms" for name, values in seconds.items()]
    program = (
        "from benchmarks.speed.rivals import ours; import resource; steps, _ = ours('lenet', 128, 2); steps({});"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    peaks = [
        int(
            subprocess.run(
                [sys.executable, "-c", program.format(count)], cwd=ROOT, capture_output=True, text=True, check=True
            ).stdout
        )
        / 1024
        for count in (20, 500)
    ]
    unit = "peak memory of a run with the data set loaded"
    return [*lines, f"- {unit}: {peaks[0]:.0f} MB after 20 steps, {peaks[1]:.0f} MB after 500"]


def _torch_version() -> str:
    import torch

    return str(torch.__version__)


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
        text = profile(options.network, options.batch_size, data, options.convolution)
    else:
        text = tables(options.rounds)
    common.publish(text, options.write)


if __name__ == "__main__":
    main()
