"""The words of the gradient check: numbers, ranges, and sentences about several gradients."""

from __future__ import annotations

from collections.abc import Iterable


def number(value: float) -> str:
    """A factor as a person would write it: 1/4, -1, 0.37."""
    if abs(value - round(value)) < 1e-4 * abs(value) and round(value):
        return str(round(value))
    if value and abs(1 / value - round(1 / value)) < 1e-4 * abs(1 / value):
        return f"{'-' if value < 0 else ''}1/{abs(round(1 / value))}"
    return f"{value:.4g}"


def spans(numbers: Iterable[int]) -> str:
    """'0 to 4, 7' for 0, 1, 2, 3, 4, 7."""
    runs: list[list[int]] = []
    for n in sorted(numbers):
        if runs and n == runs[-1][-1] + 1:
            runs[-1].append(n)
        else:
            runs.append([n])
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def grouped(found: Iterable[tuple[str, str]]) -> list[str]:
    """'dweights and dbiases: ...' where several gradients have the same mistake."""
    names: dict[str, list[str]] = {}
    for name, sentence in found:
        names.setdefault(sentence, []).append(name)
    return [f"{', '.join(who[:-1])}{' and ' if who[1:] else ''}{who[-1]}: {text}" for text, who in names.items()]
