"""The tracker of the report: appends, saves itself, loses nothing, refuses what is damaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from diagnostics.detect.findings import Verdict
from diagnostics.errors import DamagedFileError, LogWriteError
from diagnostics.record.recorder import Recorder
from diagnostics.statistics.tracker import StatisticsTracker, rule_of_thumb
from tests.helpers.pools import from_a_server
from tests.helpers.small_models import blobs, small_model
from tests.helpers.tracked_runs import many_runs, one_run


def runs_in(path: Path) -> list[dict]:
    return json.loads(path.read_text())["runs"]


def test_the_setup_code_of_the_report_gets_both_files_in_a_data_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tracker = StatisticsTracker(model_name="FullNetwork", stats_file="full_network_stats.json")
    one_run(tracker, [0.8, 0.9, 0.95], 0.96)

    assert sorted(p.name for p in Path("data").glob("full*[nt]")) == [
        "full_network_stats.json",
        "full_network_stats.txt",
    ]
    assert "FullNetwork: times ran 1" in Path("data/full_network_stats.txt").read_text()


def test_a_folder_that_cannot_be_written_is_told_before_training(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(LogWriteError, match="cannot be written"):
        StatisticsTracker("net", "s.json", tmp_path / "file")


def test_saving_twice_keeps_one_run(tmp_path):
    tracker = StatisticsTracker("net", "s.json", tmp_path)
    one_run(tracker, [0.8], 0.9)
    tracker.save_statistics()
    tracker.save_statistics()

    assert len(runs_in(tmp_path / "s.json")) == 1


def test_every_invocation_and_every_further_run_is_appended(tmp_path):
    for _ in range(2):
        tracker = StatisticsTracker("net", "s.json", tmp_path)
        one_run(tracker, [0.8], 0.9)
        one_run(tracker, [0.7], 0.8)

    assert [r["validation_accuracy"] for r in runs_in(tmp_path / "s.json")] == [0.9, 0.8, 0.9, 0.8]


def test_trainings_that_are_never_validated_are_runs_of_their_own(tmp_path):
    tracker = StatisticsTracker("net", "s.json", tmp_path)
    for accuracy in (0.8, 0.1):
        tracker.add_time("step", 0.01)
        tracker.record_epoch_accuracy(1, accuracy)
        tracker.add_time("training", 0.01)
        tracker.record_validation_accuracy(accuracy)  # told after the training, and kept with it

    averages = tracker.calculate_averages()
    assert (averages["runs"], averages["defect_runs"]) == (2, 1)
    tracker.add_time("step", 0.01)
    assert [run["validation_accuracy"] for run in runs_in(tmp_path / "s.json")] == [0.8, 0.1]


def test_averages_stand_with_and_without_defect_runs(tmp_path):
    for accuracies, validation in ([0.8, 0.9], 0.95), ([0.8, 0.1], 0.11), ([0.6, 0.8], 0.91):
        one_run(tracker := StatisticsTracker("net", "s.json", tmp_path), accuracies, validation)
    averages = tracker.calculate_averages()

    assert averages["defect_runs"] == 1
    assert averages["all"]["validation_accuracy"]["mean"] == pytest.approx((0.95 + 0.11 + 0.91) / 3)
    assert averages["survivors"]["validation_accuracy"]["mean"] == pytest.approx(0.93)
    assert [m["mean"] for m in averages["survivors"]["epoch_accuracy"]] == pytest.approx([0.7, 0.85])
    assert averages["all"]["step_seconds"]["mean"] == pytest.approx(0.01)
    assert averages["all"]["total_seconds"] == {"mean": pytest.approx(0.1), "std": pytest.approx(0), "n": 3}
    told = (tmp_path / "s.txt").read_text()
    assert "defect runs: 1 of 3" in told
    assert "epoch 2 accuracy 0.6000 (3) 0.8500 (2)" in " ".join(told.split())


def test_averages_before_anything_was_recorded_are_empty(tmp_path):
    averages = StatisticsTracker("net", "s.json", tmp_path).calculate_averages()

    assert averages["runs"] == 0
    assert averages["all"]["validation_accuracy"] == {"mean": None, "std": None, "n": 0}


@pytest.mark.parametrize(
    ("accuracies", "verdict"),
    [
        ([], Verdict.UNDECIDED),
        ([0.8, 0.9], Verdict.HEALTHY),
        ([0.11, 0.1], Verdict.NEVER_LEARNED),
        ([0.8, 0.1], Verdict.COLLAPSED),
        ([0.1, 0.9], Verdict.RECOVERED),
        ([0.8, float("nan")], Verdict.COLLAPSED),
    ],
)
def test_without_a_judge_the_author_s_rule_of_thumb_decides(accuracies, verdict):
    assert rule_of_thumb(accuracies) is verdict


def test_the_rule_of_thumb_is_labelled_and_a_given_verdict_wins(tmp_path):
    tracker = StatisticsTracker("net", "s.json", tmp_path)
    one_run(tracker, [0.8], 0.9)
    thumb = runs_in(tmp_path / "s.json")[0]
    tracker.record_verdict("collapsed")
    given = runs_in(tmp_path / "s.json")

    assert thumb["verdict_by"].startswith("rule of thumb")
    assert [(r["verdict"], r["verdict_by"]) for r in given] == [("collapsed", "detector")]


def test_the_detector_s_verdict_reaches_the_tracker_of_the_same_training(tmp_path):
    tracker = StatisticsTracker("net", "s.json", tmp_path)
    images, labels = blobs(100)
    for seed in range(2):
        model = small_model(tracker, seed=seed)
        model.train(images, labels, epochs=8, batch_size=20, print_every=0, hooks=[Recorder(tracker=tracker)])

    told = [(run["verdict"], run["verdict_by"]) for run in runs_in(tmp_path / "s.json")]
    assert told == [("undecided", "detector")] * 2, "40 steps are fewer than a window of 2,560 samples has"


def test_two_models_may_share_a_file(tmp_path):
    one_run(StatisticsTracker("a", "s.json", tmp_path), [0.8], 0.9)
    one_run(tracker := StatisticsTracker("b", "s.json", tmp_path), [0.8], 0.5)

    assert tracker.calculate_averages()["all"]["validation_accuracy"] == {"mean": 0.5, "std": None, "n": 1}
    assert (tmp_path / "s.txt").read_text().count("times ran 1") == 2


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"format": "else"}', '{"format": "lenet-diag tracker 1", "runs": [{"id": 1}]}']
)
def test_a_damaged_file_is_refused_in_one_line_and_kept(tmp_path, content):
    path = tmp_path / "s.json"
    path.write_text(content)

    with pytest.raises(DamagedFileError, match=r"s\.json: .*kept as it is") as error:
        StatisticsTracker("net", "s.json", tmp_path)
    assert "\n" not in str(error.value)
    assert path.read_text() == content


@pytest.mark.parametrize(
    ("record", "wrong"),
    [
        ("add_time", ("lunch", 1.0)),
        ("add_time", ("step", -1.0)),
        ("add_time", ("step", float("nan"))),
        ("record_epoch_accuracy", (1, 97.5)),
        ("record_validation_accuracy", (-0.1,)),
    ],
)
def test_a_phase_time_or_accuracy_that_cannot_be_is_refused(tmp_path, record, wrong):
    tracker = StatisticsTracker("net", "s.json", tmp_path)
    with pytest.raises(ValueError, match="expected"):
        getattr(tracker, record)(*wrong)
    assert tracker.calculate_averages()["runs"] == 0


def test_two_processes_writing_at_once_lose_nothing(tmp_path):
    context = from_a_server()
    writers = [context.Process(target=many_runs, args=(tmp_path, 8)) for _ in range(2)]  # type: ignore[attr-defined]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert [w.exitcode for w in writers] == [0, 0]
    assert len(runs_in(tmp_path / "s.json")) == 16
    assert not list(tmp_path.glob("*.part-*"))
