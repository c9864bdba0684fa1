"""Numbers, rates, tones, events and command lines as words: each has one wording."""

from __future__ import annotations

import math
from dataclasses import replace

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.detect.findings import Diagnosis, Finding, Severity, Verdict
from diagnostics.detect.link import Link
from diagnostics.detect.rules import MECHANISMS
from diagnostics.detect.track_record import SettingRecord, stopped_though_alive
from diagnostics.statistics.intervals import points_words, wilson
from lenet.settings import DECLARED, Settings
from reports.commands import study, train
from reports.commands.options import train_options
from reports.text import events, headline, numbers
from reports.text.command_line import flags
from reports.text.glossary import GLOSSARY
from reports.text.phrases import TITLES, measured, rule_name, sentence, status_words, tone_of


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "infinite"),
        (-math.inf, "minus infinite"),
        (0.0, "0"),
        (12345.0, "12,345"),
        (1234.5, "1,234"),
        (0.123456, "0.123"),
        (999.7, "1,000"),
        (2.5e7, "2.5e+07"),
    ],
)
def test_a_number_has_the_digits_that_mean_something(value, words):
    assert numbers.number(value) == words


@given(st.floats(-1e300, 1e300))
def test_a_number_is_never_far_from_what_it_says(value):
    said = float(numbers.number(value).replace(",", ""))

    assert said == pytest.approx(value, rel=0.006)


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "–"), (2e-5, "20 µs"), (0.0354, "35.4 ms"), (7.5, "7.5 s"), (600.0, "10 min"), (9000.0, "2.5 h")],
)
def test_a_time_has_the_unit_that_suits_it(value, words):
    assert numbers.seconds(value) == words


@pytest.mark.parametrize(("value", "words"), [(0.8714, "870 ms"), (117.3, "120 s"), (0.0871, "87 ms")])
def test_a_time_of_two_digits_is_written_out(value, words):
    assert numbers.seconds(value, 2) == words


@pytest.mark.parametrize("command", [train.command, study.command])
def test_the_price_of_stopping_stands_beside_the_option(command):
    told = " ".join(CliRunner().invoke(command, ["--help"]).output.split())
    price = stopped_though_alive()

    assert f"of {price.n} runs that were alive in the end it would have ended {price.k} " in told


def test_a_cause_says_how_common_its_sign_is_in_runs_of_the_same_setting_that_learned(monkeypatch):
    same = SettingRecord("lenet, sgd, learning rate 0.5", 9, 6, 14)
    monkeypatch.setattr(headline, "in_setting", lambda rule, setting: same if setting else None)
    link = Link("oversized-update", "conv2", 53, "", setting=same.setting)

    assert headline.measured_words(link).endswith(
        "runs that learned; with lenet, sgd, learning rate 0.5 in 6 of 14 (9 times)"
    )
    assert headline.measured_words(replace(link, setting="")).endswith("runs that learned")


def test_a_cause_that_no_injected_fault_was_named_by_says_so_in_a_whole_sentence():
    told = headline.measured_words(Link("fading-signal", "conv2", 53, ""))

    assert told.startswith("fading signal: named in no injected fault, and seen in ")


@pytest.mark.parametrize(("count", "words"), [(12, "12 bytes"), (1500, "1.5 kB"), (2_500_000, "2.5 MB")])
def test_a_size_has_the_unit_that_suits_it(count, words):
    assert numbers.size(count) == words


def test_a_rate_has_one_wording_long_and_brief():
    assert numbers.rate(10, 40, wilson(10, 40)) == "10 of 40 = 25 % (95 % interval 14 to 40 %)"
    assert numbers.rate(10, 40, wilson(10, 40), is_brief=True) == "10 of 40 (14–40 %)"
    assert numbers.rate(0, 0, wilson(0, 0)) == "0 of 0"
    assert numbers.rate(0, 0, wilson(0, 0), is_brief=True) == "–"


def test_an_interval_of_a_difference_has_signs_and_the_digits_asked_for():
    assert points_words((-0.314, 0.02)) == "-31 to +2"
    assert points_words((-0.314, 0.02), digits=2) == "-31.40 to +2.00"


def test_a_rule_is_called_by_its_name_unless_that_would_say_too_much():
    spoken = {rule.name: rule_name(rule.name) for rule in MECHANISMS}

    assert spoken["dead-units"] == "dead units"
    assert rule_name("never_learned") == "never learned"
    assert spoken["uninformative-labels"] == "alive, but learning nothing"
    assert len(set(spoken.values())) == len(MECHANISMS)


@pytest.mark.parametrize(("n", "words"), [(0, "0 runs"), (1, "1 run"), (2, "2 runs"), (1200, "1,200 runs")])
def test_a_count_agrees_with_its_noun(n, words):
    assert numbers.counted(n, "run") == words


def test_every_verdict_has_a_title_and_a_tone():
    assert set(TITLES) == set(Verdict)
    assert {verdict for verdict in Verdict if tone_of(verdict) == "bad"} == {v for v in Verdict if v.is_dead}
    assert (tone_of(Verdict.HEALTHY), tone_of(Verdict.RECOVERED)) == ("good", "warn")
    assert tone_of(Verdict.UNDECIDED) == tone_of(None) == "plain"


@pytest.mark.parametrize(("text", "words"), [("a run", "A run."), ("Why?", "Why?"), (" x. ", "X."), ("", "")])
def test_a_sentence_begins_with_a_capital_and_ends_with_a_stop(text, words):
    assert sentence(text) == words


def test_who_interrupted_a_run_is_told_where_it_is_known():
    assert status_words("interrupted", "SIGTERM") == "interrupted by SIGTERM"
    assert status_words("interrupted") == "interrupted before its end"
    assert status_words("completed") == "completed"


def test_an_event_is_told_with_its_step_and_the_event_that_explains_it():
    link = Link("oversized-update", "conv2", 695, "one update was large")
    diagnosis = Diagnosis("x", Verdict.COLLAPSED, 1000, onset=1700, blow=link)

    assert events.final_verdict(diagnosis) == "collapsed from step 1,700; step 695: one update was large"
    assert events.verdict_event(Verdict.DIVERGED, 3, None) == "diverged from step 3"
    assert events.verdict_without_stretch(Verdict.UNDECIDED) == "it has not learned yet"
    assert events.verdict_without_stretch(Verdict.HEALTHY) == "healthy"
    assert events.epoch_ended(2, 0.9, 0.25) == "epoch 2 ended: accuracy 0.900, loss 0.250"


def test_the_glossary_has_about_25_words_each_explained_once_in_whole_sentences():
    words = [word for word, _ in GLOSSARY]

    assert 22 <= len(words) <= 30
    assert len(set(words)) == len(words)
    assert all(meaning[0].isupper() and meaning.endswith(".") for _, meaning in GLOSSARY)


CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "network": st.sampled_from(DECLARED["network"].choices),
        "lr": st.floats(0, 100),
        "l2": st.floats(0, 1),
        "epochs": st.integers(1, 2**53),
        "steps": st.none() | st.integers(1, 2**53),
        "shuffle": st.booleans(),
        "clip_norm": st.none() | st.floats(1e-300, 1e300),
        "data": st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1),
    },
)


@given(CHANGES)
def test_settings_as_options_are_the_settings_again(changes):
    """What pages print has to run as it stands."""
    read = []

    @click.command()
    @train_options
    def train(**options):
        read.append(Settings(**options))

    typed = [word for name, value in changes.items() for word in flags(name, value)]
    result = CliRunner().invoke(train, typed, catch_exceptions=False)

    assert result.exit_code == 0, result.output
    assert read == [Settings(**changes)]


@pytest.mark.parametrize(
    ("rule", "value", "limit", "told"),
    [
        ("oversized-update", 0.756, 0.25, "75.6 % (limit 25 %)"),
        ("oversized-update", 30.2, 0.25, "30.2 times (limit 25 %)"),
        ("exploding-gradient", 24.8, 6, "24.8 times (limit 6)"),
        ("collapsed", 2.28, 2.19, "loss 2.28 (limit 2.19)"),
        ("dead-units", 1, 0.8, "100 % (limit 80 %)"),
        ("zero-gradient", 0, 0, ""),
        ("loss-spikes", 3, math.nan, "3"),
        ("non-finite", math.nan, 1, ""),
    ],
)
def test_a_measured_number_has_its_unit(rule, value, limit, told):
    finding = Finding(rule, None, 0, 0, value, limit, Severity.ERROR, math.nan, "")

    assert measured(finding) == told
