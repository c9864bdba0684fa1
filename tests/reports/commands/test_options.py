"""The options of a training are the settings of a training."""

from __future__ import annotations

from dataclasses import fields

import click
import pytest
from click.testing import CliRunner

from lenet import settings
from lenet.settings import DECLARED, Declaration, Settings
from reports.commands import options
from reports.commands.options import grid_options, train_options


def options_of(function) -> dict[str, click.Option]:
    return {one.name: one for one in click.command()(function).params}


def test_every_setting_has_its_option_with_its_default_and_its_help():
    @train_options
    def train(**options):
        pass

    options = options_of(train)

    assert {name: one.default for name, one in options.items()} == {f.name: f.default for f in fields(Settings)}
    assert all(one.help.startswith(DECLARED[name].meaning) for name, one in options.items())
    assert options["batch_size"].opts == ["--batch-size"]
    assert options["network"].type.choices == DECLARED["network"].choices


def test_a_setting_is_declared_once(monkeypatch):
    declared = Declaration("Dummy quantity.", at_least=2)
    monkeypatch.setitem(settings.DECLARED, "dummy_setting", declared)
    monkeypatch.setitem(options.DEFAULTS, "dummy_setting", 5)
    monkeypatch.setitem(settings.kinds(), "dummy_setting", (int,))

    @train_options
    def train(**given):
        click.echo(given["dummy_setting"])

    command = click.command()(train)

    assert "--dummy-setting" in CliRunner().invoke(command, ["--help"]).output
    assert CliRunner().invoke(command, []).output == "5\n"
    assert CliRunner().invoke(command, ["--dummy-setting", "1"]).exit_code == 2


def test_the_default_options_are_the_default_settings():
    @click.command()
    @train_options
    def train(**options):
        assert Settings(**options) == Settings(shuffle=True)

    assert CliRunner().invoke(train, ["--shuffle"], catch_exceptions=False).exit_code == 0


@pytest.mark.parametrize(("text", "value"), [("1e-3", 1e-3), ("dense1=0.01,conv1=0.1", "dense1=0.01,conv1=0.1")])
def test_a_penalty_is_a_number_or_names_layers(text, value):
    @click.command()
    @train_options
    def train(**options):
        assert Settings(**options) == Settings(l1=value)

    assert CliRunner().invoke(train, ["--l1", text], catch_exceptions=False).exit_code == 0


def test_in_a_grid_every_option_may_be_given_more_than_once():
    @click.command()
    @grid_options
    def study(**options):
        assert options["lr"] == (0.1, 0.5)
        assert options["shuffle"] == (True, False)
        assert options["network"] == ()

    arguments = ["--lr", "0.1", "--lr", "0.5", "--shuffle", "--no-shuffle"]

    assert CliRunner().invoke(study, arguments, catch_exceptions=False).exit_code == 0
