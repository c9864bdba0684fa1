"""What TorchRecorder costs, side by side with a bare loop and with a recorder that keeps only the loss.

    pip install torch==2.13.0
    python -m benchmarks.speed.torch_recorder [--write docs/benchmarks/torch-recorder.md] [--rounds 9]

The three loops take turns in one process, in short blocks of steps, so that all see the same machine. Times are the
processor time of the process, which other processes disturb less than the time that goes by; PyTorch has one thread,
since further ones spin while they wait. The
ratios are taken block by block, and the medians of them are quoted.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import common

LOOPS = ("bare", "loss only", "recorder")
WARM_UP = 30
Steps = Callable[[int], None]


@dataclass(frozen=True)
class TorchCase:
    """One model that is timed.

    Args:
        name: what the page calls it.
        batch: samples a step.
        threads: threads of PyTorch.
        block: steps of one turn.
        rate: learning rate.
    """

    name: str
    batch: int
    threads: int
    block: int
    rate: float


CASES = (TorchCase("LeNet", 128, 1, 40, 0.05), TorchCase("MLP of 11 million parameters", 128, 1, 4, 0.01))


@dataclass(frozen=True)
class TorchCosts:
    """Seconds of a step in each turn, by loop: of the processor, and as they went by."""

    case: TorchCase
    parameters: int
    cpu: dict[str, list[float]]
    wall: dict[str, list[float]]

    def cells(self) -> list[str]:
        """The row of the table."""
        bare = 1e3 * statistics.median(self.cpu["bare"])
        ratios = [statistics.median(self._ratios(self.cpu, loop)) for loop in LOOPS[1:]]
        spread = np.percentile(self._ratios(self.cpu, "recorder"), [25, 75])
        went_by = statistics.median(self._ratios(self.wall, "recorder"))
        return [
            self.case.name,
            f"{self.parameters:,}",
            str(self.case.batch),
            str(self.case.threads),
            f"{bare:.2f}",
            f"{ratios[0]:.3f}",
            f"{ratios[1]:.3f} ({spread[0]:.3f} to {spread[1]:.3f})",
            f"{went_by:.3f}",
        ]

    def _ratios(self, times: dict[str, list[float]], loop: str) -> list[float]:
        return [a / b for a, b in zip(times[loop], times["bare"], strict=True)]


def network(case: TorchCase) -> Any:
    """LeNet, or a wide multilayer perceptron."""
    from torch import nn

    from benchmarks.speed.rivals import torch_network

    if case.name == "LeNet":
        return torch_network(nn, "lenet")
    hidden = [part for sizes in pairwise((784, 2600, 2600, 900)) for part in (nn.Linear(*sizes), nn.ReLU())]
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(900, 10))


@contextmanager
def loop(kind: str, case: TorchCase, data: Any, folder: Path) -> Iterator[Steps]:
    """Within, a function that makes so many steps of one of the three loops."""
    import torch

    from diagnostics.adapters import TorchRecorder

    torch.manual_seed(0)
    model = network(case)
    optimizer, criterion = torch.optim.SGD(model.parameters(), lr=case.rate), torch.nn.CrossEntropyLoss()
    images, labels = data
    place = 0
    kept: list[float] = []

    def steps(count: int) -> None:
        nonlocal place
        for _ in range(count):
            first = place % (len(images) // case.batch) * case.batch
            place += 1
            x, y = images[first : first + case.batch], labels[first : first + case.batch]
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            if kind == "loss only":
                kept.append(loss.item())

    if kind != "recorder":
        yield steps
        return
    path = folder / f"{case.name[:3]}-{case.threads}-{case.batch}.h5"
    with TorchRecorder(model, optimizer, path, criterion=criterion, labels=labels.numpy(), epochs=9):
        yield steps


def costs(case: TorchCase, data: Any, rounds: int, folder: Path) -> TorchCosts:
    """The times of one case, ``rounds`` turns of each loop."""
    import torch

    torch.set_num_threads(case.threads)
    cpu: dict[str, list[float]] = {kind: [] for kind in LOOPS}
    wall: dict[str, list[float]] = {kind: [] for kind in LOOPS}
    with (
        loop("bare", case, data, folder) as bare,
        loop("loss only", case, data, folder) as loss_only,
        loop("recorder", case, data, folder) as recorder,
    ):
        of = dict(zip(LOOPS, (bare, loss_only, recorder), strict=True))
        for steps in of.values():
            steps(min(WARM_UP, case.block))
        for turn in range(rounds):
            for kind in LOOPS if turn % 2 == 0 else reversed(LOOPS):
                started, went = time.process_time(), time.perf_counter()
                of[kind](case.block)
                cpu[kind].append((time.process_time() - started) / case.block)
                wall[kind].append((time.perf_counter() - went) / case.block)
    return TorchCosts(case, sum(one.numel() for one in network(case).parameters()), cpu, wall)


def prepare(measured: list[TorchCosts], rounds: int, version: str, load: tuple[float, float]) -> dict[str, Any]:
    """What the template prints."""
    return {"rows": [one.cells() for one in measured], "rounds": rounds, "torch": version, "load": load}


def main() -> None:
    parser = common.parser("benchmarks.speed.torch_recorder", __doc__)
    parser.add_argument("--rounds", type=int, default=9, help="turns of each loop")
    parser.add_argument("--write", type=Path, help="write the page into this file")
    options = parser.parse_args()
    import torch  # after the help, which needs no PyTorch

    from lenet.data import load_dataset

    found = load_dataset(limit=12_800)
    data = torch.from_numpy(found.X_train.transpose(0, 3, 1, 2).copy()), torch.from_numpy(found.y_train)
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        measured = [costs(case, data, options.rounds, Path(folder)) for case in CASES]
    content = prepare(measured, options.rounds, torch.__version__, (before, os.getloadavg()[0]))
    common.publish(common.render("torch-recorder.md.j2", content), options.write)


if __name__ == "__main__":
    main()
