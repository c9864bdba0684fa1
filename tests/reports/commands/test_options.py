"""The options of a training are the settings of a training."""

from __future__ import annotations

from dataclasses import fields

import click
import pytest
from click.testing import CliRunner

from lenet import settings
from reports.commands.options import TRAIN_OPTIONS, grid_options, train_options


def test_every_setting_has_its_option_with_its_default():
    expected = {field.name: field.default for field in fields(settings.Settings)}

    assert {option.field: option.default for option in TRAIN_OPTIONS} == expected


def test_the_choices_are_those_the_settings_know():
    choices = {o.field: tuple(o.type.choices) for o in TRAIN_OPTIONS if isinstance(o.type, click.Choice)}

    assert choices == settings._CHOICES


def test_the_default_options_are_the_default_settings():
    @click.command()
    @train_options
    def train(**options):
        assert settings.Settings(**options) == settings.Settings(shuffle=True)

    assert CliRunner().invoke(train, ["--shuffle"], catch_exceptions=False).exit_code == 0


@pytest.mark.parametrize(("text", "value"), [("1e-3", 1e-3), ("dense1=0.01,conv1=0.1", "dense1=0.01,conv1=0.1")])
def test_a_penalty_is_a_number_or_names_layers(text, value):
    @click.command()
    @train_options
    def train(**options):
        assert settings.Settings(**options) == settings.Settings(l1=value)

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
