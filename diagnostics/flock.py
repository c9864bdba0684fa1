"""The lock of an open file, as the operating system gives it: gone when its holder is, however that ends."""

from __future__ import annotations


def flock(descriptor: int, *, shared: bool = False, wait: bool = False) -> bool:
    """Lock an open file; False where the platform or the file system has no locks.

    Without ``wait``, raises BlockingIOError where another process has it; any
    other refusal of the system says nothing of other processes.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return False
    mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(descriptor, mode if wait else mode | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # a file system without locks
        return False
    return True
