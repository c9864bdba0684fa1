"""Settings of all tests.

The order of the tests is random; `pytest --randomly-seed=N` repeats the order whose seed N was printed.

BLAS has one thread. More of them spin while they wait for the next product, and would
take most of the processor time of tests with small networks.

The loops that measure a step are compiled before the first test: commands say so where they have to wait for it. The
process that only hands out tests to others needs none.
"""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits

from diagnostics.measure.compiler import compiled_loops
from tests.helpers.examples import load_profile
from tests.helpers.fuzz import SEED

pytest_plugins = [
    "tests.helpers.cost",
    "tests.helpers.cold_start",
    "tests.helpers.mnist_once",
    "tests.helpers.no_pictures",
    "tests.helpers.pools",
]

threadpool_limits(1, user_api="blas")
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # for the processes that tests start

os.environ.setdefault("KERAS_BACKEND", "torch")  # before a test imports all modules, and Keras with them

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as for what a shell starts in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)

load_profile()


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("numprocesses", None):  # 2 in the process that hands out tests
        from tests.helpers.forked import share_a_server  # a plugin would be imported too early above

        share_a_server()
    else:
        gc.disable()  # what is imported and collected stays: a search for garbage in it finds none
        compiled_loops()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)  # after 700 new objects, as usual, the searches take a tenth of the time of tests
    gc.enable()


def pytest_report_header() -> str:
    """The seed of the fuzzed files, headers, checkpoints and command lines."""
    return f"fuzzing with FUZZ_SEED={SEED}"


@pytest.fixture(autouse=True)
def _signals_stay_as_they_were() -> Iterator[None]:
    """A handler that a test leaves behind would change what later tests see, in some orders and not in others."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    yield
    after = [signal.getsignal(number) for number in numbers]
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)
    assert after == before
