"""What a prompt or a notebook shows of an object: one short line that says what it is."""

from __future__ import annotations

from pathlib import Path

import diagnostics as ld
import lenet
from diagnostics.detect.findings import Verdict
from diagnostics.statistics import RunSummary
from diagnostics.statistics.summary_cache import Loaded
from diagnostics.study import Arm, Study, StudyPlan

SAMPLE = Path(__file__).parent / "diagnostics" / "samples" / "log-1.0.h5"


def group(label: str, verdict: str) -> ld.Group:
    return ld.Group(label, tuple(RunSummary(f"r{seed}.h5", Verdict(verdict), seed=seed) for seed in range(3)))


def test_objects_say_what_they_are_in_one_line(tmp_path: Path) -> None:
    run = ld.open_run(SAMPLE)
    model = lenet.Settings(network="lenet").build_model(samples=1000)
    dying, living = group("rate 0.5", "collapsed"), group("rate 0.1", "healthy")
    plan = StudyPlan((Arm("plain", {}, 2), Arm("half", {"lr": 0.25}, 2)))

    assert {
        "run": repr(run),
        "diagnosis": repr(run.diagnosis),
        "info": repr(run.info),
        "model": repr(model),
        "layer": repr(model.layers[0]),
        "activation": repr(lenet.ActivationReLU()),
        "recorder": repr(ld.Recorder(tmp_path / "x.h5")).replace(str(tmp_path), "runs"),
        "group": repr(dying),
        "comparison": repr(ld.compare(living, dying)),
        "study": repr(Study(plan, Path("studies"), 1)),
        "plan": repr(plan),
        "loaded": repr(Loaded(dying.runs, (Path("a.h5"),), ())),
    } == {
        "run": "<Run log-1.0: 70 steps recorded, completed>",
        "diagnosis": "<Diagnosis of log-1.0: diverged after 70 steps, died at step 0, first link input-scale>",
        "info": "<RunInfo: conv1, dense1, dense2 with 83 parameters, batches of 8, 1,000,000 steps asked for, seed 7>",
        "model": "<Model of conv1, conv2, dense1, dense2, dense3>",
        "layer": "<ConvolutionLayer depth=6, kernel_size=[5, 5], padding=same, input_size=[28, 28, 1]>",
        "activation": "<ActivationReLU>",
        "recorder": "<Recorder into runs/x.h5: before training>",
        "group": "<Group rate 0.5: 3 of 3 are defect runs>",
        "comparison": "<Comparison of rate 0.1 with rate 0.5: "
        "0 of 3 against 3 of 3 defect runs, adjusted p 0.25, not shown>",
        "study": "<Study of 2 arms in studies: 0 runs have ended>",
        "plan": "<StudyPlan of 2 arms: 4 runs from seed 0 on>",
        "loaded": "<Loaded: 3 runs, 1 unfinished, 0 problems>",
    }
