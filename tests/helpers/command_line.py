"""The command line in this process, as a user types it."""

from __future__ import annotations

from click.testing import CliRunner, Result

from reports.cli import main


def typed(*words: object) -> Result:
    """What `lenet-diag` does with these words: its exit code, and what it prints."""
    return CliRunner().invoke(main, [str(word) for word in words])
