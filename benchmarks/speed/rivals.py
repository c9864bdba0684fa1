"""The timed programs: this trainer and PyTorch in three forms, each in its own process that waits for its turn."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

Steps = Callable[[int], list[float]]
WARM_UP = 12


def ours(network: str, batch_size: int, threads: int) -> tuple[Steps, Callable[[], float]]:
    """Steps of ``Model.train`` with loss and accuracy, and validation of 10,000 images."""
    from lenet.data import load_dataset
    from lenet.hooks import Hook, StepEnd
    from lenet.settings import Settings

    data = load_dataset()
    settings = Settings(network=network, lr=0.01, threads=threads, batch_size=batch_size)
    model = settings.build_model(samples=len(data.X_train))

    class Times(Hook):
        def __init__(self) -> None:
            self.seconds: list[float] = []

        def on_step_end(self, event: StepEnd) -> None:
            self.seconds.append(event.seconds)

    def steps(count: int) -> list[float]:
        times = Times()
        model.train(
            data.X_train, data.y_train, epochs=100, batch_size=batch_size, print_every=0, hooks=[times], steps=count
        )
        return times.seconds

    def validation() -> float:
        started = perf_counter()
        model.validate((data.X_test, data.y_test), print_every=0)
        return perf_counter() - started

    return steps, validation


def pytorch(form: str, network: str, batch_size: int, threads: int) -> tuple[Steps, Callable[[], float]]:
    """The same network and step in PyTorch: ``eager``, ``channels-last`` or ``compile``."""
    import torch
    from torch import nn

    from lenet.data import load_dataset

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    data = load_dataset()
    images = torch.from_numpy(np.ascontiguousarray(data.X_train.transpose(0, 3, 1, 2)))
    tests = torch.from_numpy(np.ascontiguousarray(data.X_test.transpose(0, 3, 1, 2)))
    labels, test_labels = torch.from_numpy(data.y_train), torch.from_numpy(data.y_test)
    model: Any = torch_network(nn, network)
    if form == "channels-last":
        model = model.to(memory_format=torch.channels_last)
        images, tests = (one.to(memory_format=torch.channels_last) for one in (images, tests))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    called = torch.compile(model) if form == "compile" else model
    batches = len(images) // batch_size
    position = 0

    def steps(count: int) -> list[float]:
        nonlocal position
        seconds = []
        for _ in range(count):
            first = position % batches * batch_size
            position += 1
            started = perf_counter()
            x, y = images[first : first + batch_size], labels[first : first + batch_size]
            optimizer.zero_grad()
            answer = called(x)
            loss = nn.functional.cross_entropy(answer, y)
            loss.backward()
            optimizer.step()
            loss.item()
            (answer.argmax(1) == y).float().mean().item()
            seconds.append(perf_counter() - started)
        return seconds

    def validation() -> float:
        started = perf_counter()
        with torch.no_grad():
            right = sum(
                int((called(tests[i : i + 500]).argmax(1) == test_labels[i : i + 500]).sum())
                for i in range(0, len(tests), 500)
            )
        assert right >= 0
        return perf_counter() - started

    return steps, validation


def torch_network(nn: Any, network: str) -> Any:
    """The paper's networks as PyTorch modules; the softmax is part of the loss."""
    first, second = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
    bodies: dict[str, tuple[list[Any], int]] = {
        "feedforward": ([], 784),
        "conv": ([first, nn.ReLU()], 4704),
        "conv2": ([first, nn.ReLU(), second, nn.ReLU()], 9216),
        "conv-pool": ([first, nn.ReLU(), nn.AvgPool2d(2)], 1176),
        "lenet": ([first, nn.ReLU(), nn.AvgPool2d(2), second, nn.ReLU(), nn.AvgPool2d(2)], 400),
    }
    body, width = bodies[network]
    head = [nn.Linear(width, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)]
    return nn.Sequential(*body, nn.Flatten(), *head)


def serve(rival: str, network: str, batch_size: int, threads: int) -> None:
    """Answer on stdout, a JSON line each, what is asked on stdin: ``steps N`` or ``validate``."""
    make = ours if rival == "ours" else lambda *a: pytorch(rival, *a)
    steps, validation = make(network, batch_size, threads)
    steps(WARM_UP)
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        command, *arguments = line.split()
        answer = steps(int(arguments[0])) if command == "steps" else validation()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
