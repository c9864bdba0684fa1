"""A sound log, as bytes, for the tests of what may happen to one."""

from __future__ import annotations

import pytest

from tests.helpers.log_writers import signed, whole_log


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A closed log, and the same as a killed writer leaves it."""
    path = tmp_path_factory.mktemp("sound") / "run.h5"
    whole_log(path)
    closed = path.read_bytes()
    killed = bytearray(closed)
    killed[11] = 5
    return {"closed": closed, "killed": signed(killed)}
