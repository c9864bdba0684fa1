"""Many cases of one kind: their number is fixed, all of them are tried, and those that failed are counted and named."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import pytest

SEED = int(os.environ.get("FUZZ_SEED", "14"))
"""Printed before the tests; another one draws other cases."""
Record = Callable[[str, object], None]
"""The fixture ``record_property``, which keeps numbers beside the result of a test."""
Case = TypeVar("Case")


def fuzz(record: Record, name: str, count: int, trial: Callable[[random.Random], object]) -> None:
    """Try ``count`` random cases. Case N of a name is the same whenever the seed is, however many there are."""
    drawn = ((f"{name} {number}", random.Random(f"{SEED} {name} {number}")) for number in range(count))
    try_all(record, drawn, trial)


def try_all(record: Record, cases: Iterable[tuple[str, Case]], trial: Callable[[Case], object]) -> None:
    """Try every case, and fail at the end if one of them failed; the table of reliability counts them."""
    tried, failed = 0, {}
    for name, case in cases:
        tried += 1
        try:
            trial(case)
        except (Exception, pytest.fail.Exception) as error:
            failed[name] = error
    record("cases", tried)
    record("failed", len(failed))
    if failed:
        first = next(iter(failed.values()))
        raise AssertionError(f"{len(failed)} of {tried} cases failed, FUZZ_SEED={SEED}: {', '.join(failed)}") from first


def assert_one_line(error: Exception, path: Path) -> None:
    """The message of an error is one line that names the file."""
    assert "\n" not in str(error)
    assert str(path) in str(error)


def mutate(data: bytes, rng: random.Random) -> bytes:
    """One to four accidents: flipped bits, overwritten or swapped blocks, cuts, additions."""
    result = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        if not result:
            break
        at, length = rng.randrange(len(result)), rng.choice([1, 8, 64, 4096])
        kind = rng.randrange(6)
        if kind == 0:
            result[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            result[at : at + length] = rng.randbytes(len(result[at : at + length]))
        elif kind == 2:
            result[at : at + length] = bytes(len(result[at : at + length]))
        elif kind == 3:
            del result[at:]
        elif kind == 4:
            result += rng.randbytes(length)
        else:
            other = rng.randrange(len(result))
            result[at : at + length] = result[other : other + length]
    return bytes(result)
