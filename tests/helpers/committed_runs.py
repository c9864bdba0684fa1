"""The runs behind the committed result pages, from the CSV files beside them: what their logs' summaries said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from diagnostics.detect.findings import Verdict
from diagnostics.statistics.run_summary import EpochSummary, RunSummary
from diagnostics.study.plan import StudyPlan
from diagnostics.study.presets import preset

DOCS = Path(__file__).parents[2] / "docs"


def committed_runs(page: str, plan: StudyPlan) -> tuple[RunSummary, ...]:
    """The runs of ``docs/<page>-runs.csv``, with the settings of the plan's arms."""
    settings = {arm.label: arm.settings for arm in plan.arms}
    frame = pd.read_csv(DOCS / f"{page}-runs.csv").astype(object)
    return tuple(_run(row, settings[row["arm"]]) for row in frame.where(frame.notna(), None).to_dict("records"))


def committed_plan(name: str) -> StudyPlan:
    """The plan of a preset; what its history says is not among the runs."""
    return StudyPlan(preset(name).build({}), preset=name)


def _run(row: dict[str, Any], settings: Any) -> RunSummary:
    epochs = [name for name in row if name.startswith("epoch_") and row[name] is not None]
    seconds = row["training_seconds"] / len(epochs)  # of runs that made all their steps
    known = {name: value for name, value in row.items() if name in RunSummary.__dataclass_fields__}
    whole = ("seed", "threads", "steps", "planned_steps", "defect_steps", "onset", "confirmed", "cause_step")
    known |= {name: int(known[name]) for name in whole if known[name] is not None}
    known |= {
        "name": row["run"],
        "verdict": Verdict(row["verdict"]),
        "broke_at": known["onset"] if known["cause_step"] is None else known["cause_step"],  # as these pages counted
        "arm": {**settings, "seed": int(row["seed"])},
        "epochs": tuple(EpochSummary(i, row[name], seconds) for i, name in enumerate(epochs, 1)),
    }
    return RunSummary(**known)
