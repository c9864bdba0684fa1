"""`lenet-diag diagnose` and `lenet-diag rules`."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace

import pytest

from diagnostics.detect.findings import Diagnosis, Verdict
from diagnostics.log.reader import open_run
from diagnostics.record.recorder import Recorder
from docs import generate
from reports.text import rules_manual
from reports.text.diagnosis import diagnosis_text
from tests.helpers.command_line import typed
from tests.helpers.log_changes import rename_layers
from tests.helpers.rescue_results import rescue_in_which
from tests.helpers.small_trainings import small_model, train

KEYS = ("run", "verdict", "onset", "confirmed", "defect_steps", "steps", "stretches", "cause", "findings", "remedies")
FINDING = ("rule", "layer", "first_step", "last_step", "value", "limit", "severity", "confidence", "message")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run that learns and one that dies."""
    folder = tmp_path_factory.mktemp("runs")
    for name, lr in (("good", 0.1), ("dead", 40.0)):
        train([Recorder(folder / f"{name}.h5", histograms_every=0)], small_model(lr=lr), epochs=16)
    return folder


def test_the_json_has_the_keys_of_the_design(runs):
    result = typed("diagnose", runs / "good.h5", runs / "dead.h5", "--json")

    assert result.exit_code == 0
    good, dead = json.loads(result.stdout)
    for one in (good, dead):
        assert set(KEYS) <= set(one)
        assert one["steps"] == 208
        assert isinstance(one["defect_steps"], int)
        assert all(isinstance(remedy, str) for remedy in one["remedies"])
        for finding in one["findings"]:
            assert set(FINDING) <= set(finding)
            assert finding["severity"] in ("info", "warning", "error")
            assert finding["confidence"] is None or 0 <= finding["confidence"] <= 1
    assert (good["run"], good["verdict"], good["onset"], good["confirmed"], good["stretches"]) == (
        "good",
        "healthy",
        None,
        None,
        [],
    )
    assert good["cause"] is None
    assert Verdict(dead["verdict"]).is_defect
    assert {"kind", "onset", "confirmed", "recovery"} <= set(dead["stretches"][-1])
    assert (dead["onset"], dead["confirmed"]) == (dead["stretches"][-1]["onset"], dead["stretches"][-1]["confirmed"])
    assert {"rule", "layer", "step", "message"} <= set(dead["cause"])
    assert dead["defect_steps"] == 208 - dead["onset"]
    assert dead["limits"]["verdict.learned_loss"] == 0.7


def test_the_json_names_file_and_seed_and_has_the_accuracy_of_each_epoch(runs):
    (good,) = json.loads(typed("diagnose", runs / "good.h5", "--json").stdout)
    run = open_run(runs / "good.h5")

    assert good == json.loads(json.dumps(run.to_json()))
    assert (good["format_version"], good["path"]) == (1, str(runs / "good.h5"))
    assert (good["seed"], good["is_defect"], good["status"]) == (run.info.seed, False, "completed")
    assert len(good["epoch_accuracy"]) == 16
    assert good["epoch_accuracy"] == run.epochs["accuracy"].tolist()


@pytest.mark.usefixtures("no_pictures")
def test_a_damaged_log_is_judged_as_far_as_it_goes_and_said_to_be_damaged(runs, tmp_path):
    log = tmp_path / "dead.h5"
    data = bytearray((runs / "dead.h5").read_bytes())
    data[data.index(open_run(runs / "dead.h5").block(first=180, last=180).tobytes())] ^= 1
    log.write_bytes(data)

    told_text, told_json = typed("diagnose", log, runs / "good.h5"), typed("diagnose", log, runs / "good.h5", "--json")

    line = f"error: {log}: damaged: 28 rows from row 180 on do not agree with their checksum and are left out; "
    assert told_text.exit_code == told_json.exit_code == 3
    assert told_text.stderr == told_json.stderr == line + "going by what can be trusted\n"
    assert "a defect run" in told_text.stdout
    damaged, sound = json.loads(told_json.stdout)
    assert damaged["damage"] == ["28 rows from row 180 on do not agree with their checksum and are left out"]
    assert sound["damage"] == []
    for command in (("export", log, "-o", tmp_path / "out"), ("report", log, "-o", tmp_path / "page")):
        result = typed(*command)
        assert (result.exit_code, result.stderr) == (3, told_text.stderr)
        assert result.stdout


def test_a_name_with_ends_of_lines_in_it_stays_in_its_line(runs, tmp_path):
    log = shutil.copy(runs / "dead.h5", tmp_path / "two\nlines.h5")
    rename_layers(log, {name: f"{name}\nhealthy: it learned" for name in ("conv1", "dense1", "dense2")})

    result = typed("diagnose", log)

    assert result.exit_code == 0
    first, *others = result.stdout.splitlines()
    assert first.startswith("two\\nlines: a defect run")
    assert all(line.startswith("  ") for line in others)
    assert "\\nhealthy: it learned" in result.stdout


def test_nan_is_null(runs):
    result = typed("diagnose", runs / "dead.h5", "--json")

    assert "NaN" not in result.stdout
    assert "Infinity" not in result.stdout


def test_the_text_says_since_when_where_and_what_to_try(runs):
    result = typed("diagnose", runs / "dead.h5")

    assert "a defect run" in result.stdout
    assert "since:      step" in result.stdout
    assert "blow:       step" in result.stdout
    assert "first link: step" in result.stdout
    assert "to try:" in result.stdout


def test_what_a_rescue_has_proven_stands_first_and_what_it_tried_in_vain_last(runs, monkeypatch):
    suggested = [one.remedy.key for one in open_run(runs / "dead.h5").diagnosis.suggestions]
    first, last = suggested[0], suggested[-1]
    monkeypatch.setattr("diagnostics.rescue.found.rescue_of", lambda run: rescue_in_which({first: 8, last: 20}))

    text = " ".join(typed("diagnose", runs / "dead.h5").stdout.split())
    to_try = text[text.index("to try:") :]

    assert len(suggested) > 1
    assert to_try.index("20 of 20 lived (control 8 of 20") < to_try.index(
        "8 of 20 lived (control 8 of 20; adjusted p 1"
    )


def test_a_run_that_did_not_complete_is_said_to_be_judged_by_what_there_is():
    told_ = diagnosis_text(Diagnosis("run", Verdict.UNDECIDED, 80), "crashed", 469)

    assert "the writing process died; it is judged by 80 of 469 planned steps" in told_
    assert "status:" not in diagnosis_text(Diagnosis("run", Verdict.HEALTHY, 469), "completed", 469)


def test_the_rules_that_could_not_be_asked_are_counted_where_a_run_is_undecided(runs):
    undecided = replace(open_run(runs / "good.h5").diagnosis, verdict=Verdict.UNDECIDED)
    text = " ".join(diagnosis_text(undecided).split())

    assert re.search(r"checked: asked \d+ of \d+ rules: \d+ found nothing", text)


def test_a_healthy_run_reads_as_good_news(runs):
    lines = typed("diagnose", runs / "good.h5").stdout.splitlines()

    assert lines[0] == "good: healthy: it learned, and kept what it learned"
    assert re.fullmatch(r"  training:   accuracy [\d.]+ %, loss [\d.]+ \(mean of epoch 16\)", lines[1])
    assert lines[2].startswith("  validation: accuracy ")
    assert not any("checked:" in line for line in lines)


def test_a_folder_stands_for_its_logs_and_a_defect_can_fail_the_command(runs):
    assert typed("diagnose", runs).exit_code == 0
    assert typed("diagnose", runs, "--fail-on-defect").exit_code == 1
    assert typed("diagnose", runs / "good.h5", "--fail-on-defect").exit_code == 0


def test_limits_from_a_file_are_used_and_bad_ones_refused(runs, tmp_path):
    file = tmp_path / "limits.toml"
    file.write_text("[verdict]\nlearned_loss = 0.0\npatience = 100000\ngrace = 100000\n")
    (one,) = json.loads(typed("diagnose", runs / "good.h5", "--limits", file, "--json").stdout)
    file.write_text("[verdict]\nlearned_los = 0.1\n")
    refused = typed("diagnose", runs / "good.h5", "--limits", file)

    assert (one["verdict"], one["limits"]["verdict.learned_loss"]) == ("undecided", 0.0)
    assert refused.exit_code == 2
    assert "learned_los" in refused.stderr


def test_what_cannot_be_read_is_named_and_the_others_are_diagnosed(runs, tmp_path):
    bad = tmp_path / "bad.h5"
    bad.write_bytes(b"not a log")

    result = typed("diagnose", bad, runs / "good.h5", "--json")

    assert result.exit_code == 3
    assert "bad.h5" in result.stderr
    assert [one["run"] for one in json.loads(result.stdout)] == ["good"]


# ---- the manual


def test_rules_lists_every_page_and_prints_one():
    listed = typed("rules").stdout

    for name in rules_manual.names():
        assert f"\n{name} " in "\n" + listed
        page = typed("rules", name)
        assert page.exit_code == 0
        assert page.stdout.startswith(f"## {name}\n")


def test_every_rule_a_diagnosis_can_name_has_a_page(runs):
    found = json.loads(typed("diagnose", runs, "--json").stdout)
    named = {f["rule"] for one in found for f in [*one["findings"], *one["checks"], *one["chain"]]}

    assert named <= set(rules_manual.names())
    assert {str(v) for v in Verdict if v.is_dead} <= set(rules_manual.names())


def test_a_page_has_its_limits_with_unit_and_source_and_its_examples():
    page = rules_manual.page("dead-units")

    assert "| `share` | 0.8 | share of units |" in page
    assert "calibration: docs/calibration.md" in page
    assert "fires for dense1" in page
    assert "To try: " in page


def test_an_unknown_rule_is_refused_with_those_there_are():
    result = typed("rules", "dead-unit")

    assert result.exit_code == 2
    assert "dead-units" in result.stderr


def test_the_state_machine_is_drawn_in_the_manual():
    page = rules_manual.page("verdict")
    drawing = page.split("```")[1]

    for state in ("STARTING", "LEARNING", "COLLAPSED", "DIVERGED", "NEVER LEARNED"):
        assert state in drawing
    assert page.count("```") == 2
    assert [name for name in rules_manual.names() if "```" in rules_manual.page(name)] == ["verdict"]


def test_the_committed_pages_are_fresh():
    assert generate.stale() == [], "run: make docs"


def test_a_stale_page_is_found_and_written_again(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(generate, "HERE", tmp_path)
    monkeypatch.setattr(generate, "PAGES", {"rules.md": lambda: "the rules", "glossary.md": lambda: "the words"})
    monkeypatch.setattr("sys.argv", ["generate", "--check"])

    assert generate.main() == 1
    assert "docs/rules.md is stale; run: make docs" in capsys.readouterr().err
    assert generate.write() == ["rules.md", "glossary.md"]
    assert generate.main() == 0
    assert (tmp_path / "rules.md").read_text() == "the rules"
