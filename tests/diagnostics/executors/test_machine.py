"""What a machine says of itself, and how two of them are compared."""

from __future__ import annotations

from dataclasses import replace

from diagnostics.executors.machine import this_machine


def test_the_digest_is_of_what_decides_the_bits_and_of_nothing_else():
    here = this_machine()

    assert set(here.facts) == {"numpy", "numba", "blas", "simd", "machine", "libc", "training"}
    assert replace(here, host="elsewhere", release="0").digest == here.digest
    for name in here.facts:
        assert replace(here, facts={**here.facts, name: "other"}).digest != here.digest


def test_what_differs_is_named_and_what_a_log_does_not_know_is_left_out():
    here = this_machine()

    assert here.unlike({**here.facts, "host": "elsewhere"}) == ""
    assert here.unlike({"blas": "mkl"}) == f"blas {here.facts['blas']} and not mkl"
    assert here.unlike({**here.facts, "training": "0" * 64}).startswith("training ")
