"""A new command is one file in reports/commands: `--help` finds it, and it runs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import reports.commands
from reports.cli import main
from reports.commands import help_lines
from tests.helpers.command_line import typed

DUMMY = '''"""`lenet-diag dummy`: say that it is there."""

import click


@click.command(name="dummy")
def command():
    click.echo("here")
'''


def test_a_new_command_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dummy.py").write_text(DUMMY)
    monkeypatch.setattr(reports.commands, "__path__", [*reports.commands.__path__, str(tmp_path)])
    try:
        told = typed("--help")
        ran = typed("dummy")
    finally:
        sys.modules.pop("reports.commands.dummy", None)
        vars(reports.commands).pop("dummy", None)

    assert told.output.splitlines()[-1].split(None, 1) == ["dummy", "Say that it is there."]
    assert ran.output == "here\n"


def test_every_command_is_called_as_its_file_says() -> None:
    for name, line in help_lines().items():
        assert main.get_command(None, name).name == name  # type: ignore[arg-type,union-attr]  # the context is not used
        assert line.endswith(".")


def test_what_commands_share_is_no_command() -> None:
    assert typed("exit_codes").exit_code == 2
