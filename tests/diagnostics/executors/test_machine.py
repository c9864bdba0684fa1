"""What a machine says of itself, and how two of them are compared."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diagnostics.executors.machine import this_machine
from diagnostics.provenance import arithmetic


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


def test_the_library_of_the_products_is_numpys_whichever_is_listed_first(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [
        {"user_api": "blas", "internal_api": "openblas", "version": "1", "filepath": "/lib/scipy.libs/libopenblas.so"},
        {"user_api": "openmp", "internal_api": "openmp", "version": "5", "filepath": "/lib/libgomp.so"},
        {"user_api": "blas", "internal_api": "openblas", "version": "2", "filepath": "/lib/numpy.libs/libopenblas.so"},
    ]
    monkeypatch.setattr("threadpoolctl.threadpool_info", lambda: listed)

    assert arithmetic.__wrapped__()["blas"] == "openblas 2"


def test_a_log_that_names_the_library_of_scipy_is_of_this_machine():
    here = this_machine()

    assert len(here.libraries) >= 1
    assert here.unlike({"blas": here.libraries[-1]}) == ""
