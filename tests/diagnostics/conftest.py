"""A sound log, as bytes, for the tests of what may happen to one."""

from __future__ import annotations

import struct

import pytest

from diagnostics.log.superblock import lookup3
from tests.helpers.log_writers import whole_log


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A closed log, and the same as a killed writer leaves it."""
    path = tmp_path_factory.mktemp("sound") / "run.h5"
    whole_log(path)
    closed = path.read_bytes()
    killed = bytearray(closed)
    killed[11] = 5
    struct.pack_into("<I", killed, 44, lookup3(bytes(killed[:44])))
    return {"closed": closed, "killed": bytes(killed)}
