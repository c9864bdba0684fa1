"""Loss and accuracy on data that are not trained on, with the paper's printed lines."""

from __future__ import annotations

from time import perf_counter

from lenet.errors import reason_of
from lenet.layers.workspace import Array
from lenet.losses import Labels
from lenet.training.engine import Engine
from lenet.training.listeners import log
from lenet.training.printing import PrintProgress


def validate(
    engine: Engine, X: Array, labels: Labels, batch: int, print_every: int | None
) -> tuple[float, float, float]:
    """Evaluate and print; returns mean loss, accuracy and seconds.

    Prints ``validation, step:64, acc:0.938, loss:0.208`` at some batches, but not at the first,
    and ``final validation - acc:0.962, loss:0.131`` at the end, each with the seconds it took.

    Args:
        engine: computes the outputs.
        X: inputs, (N, H, W, C) or (N, F).
        labels: their classes, (N,).
        batch: samples at a time.
        print_every: print every so many batches, and at the end; 0 or None for never.
    """
    printer = PrintProgress(print_every) if print_every else None
    started, total, correct = perf_counter(), 0.0, 0
    with engine.running():
        for number, first in enumerate(range(0, len(X), batch)):
            began = perf_counter()
            result = engine.evaluate(X, labels, slice(first, min(first + batch, len(X))))
            total += result.loss_sum
            correct += result.correct
            if printer and number and number % printer.every == 0:
                accuracy, loss = result.correct / result.samples, result.loss_sum / result.samples
                said = f"validation, step:{number}, acc:{accuracy:.3f}, loss:{loss:.3f}"
                printer = _say(printer, said, f"step took {perf_counter() - began:.2f} seconds")
    seconds = perf_counter() - started
    loss, accuracy = total / len(X), correct / len(X)
    if printer:
        said = f"final validation - acc:{accuracy:.3f}, loss:{loss:.3f}"
        _say(printer, said, f"validation took {seconds:.2f} seconds")
    return loss, accuracy, seconds


def _say(printer: PrintProgress, *lines: str) -> PrintProgress | None:
    """Print the lines; returns the printer, or None where it cannot print any more."""
    try:
        for line in lines:
            printer.say(line)
    except (OSError, ValueError) as error:
        log.warning("%s was switched off: %s; the validation goes on", printer.optional, reason_of(error))
        return None
    return printer
