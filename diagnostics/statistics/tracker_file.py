"""The two files of the tracker: JSON with every run, and a text with the averages for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from diagnostics.detect.findings import Verdict
from diagnostics.errors import DamagedFileError
from diagnostics.file_locks import locked
from diagnostics.files import read_json, write_json, write_text
from diagnostics.statistics.group import Group, sensitivity
from diagnostics.statistics.intervals import rate_words
from diagnostics.statistics.means import SINGLE_METRICS, Mean
from diagnostics.statistics.run_summary import EpochSummary, RunSummary

FORMAT = "lenet-diag tracker 1"
PHASES = ("step", "epoch", "training", "validation", "combined")


@dataclass
class TrackedRun:
    """One run, as a tracker keeps it.

    Args:
        id: a name that no other run has.
        model: the name of the model.
        verdict: the verdict.
        verdict_by: who gave the verdict.
        times: by phase the number of times that were added ("n") and their sum in seconds ("total").
        epoch_accuracy: training accuracy by epoch; None for one that is not finite.
        validation_accuracy: the last validation accuracy.
    """

    id: str
    model: str
    verdict: str = ""
    verdict_by: str = ""
    times: dict[str, dict[str, float]] = field(default_factory=lambda: {p: {"n": 0, "total": 0.0} for p in PHASES})
    epoch_accuracy: dict[str, float | None] = field(default_factory=dict)
    validation_accuracy: float | None = None

    def summary(self) -> RunSummary:
        """The summary of the run. A tracker knows no seed, no steps and no settings."""

        def mean(phase: str) -> float | None:
            n = self.times[phase]["n"]
            return self.times[phase]["total"] / n if n else None

        def total(phase: str) -> float | None:
            return self.times[phase]["total"] if self.times[phase]["n"] else None

        epochs = (EpochSummary(int(epoch), value, mean("epoch")) for epoch, value in self.epoch_accuracy.items())
        return RunSummary(
            name=self.id,
            verdict=Verdict(self.verdict),
            arm={"model": self.model},
            epochs=tuple(epochs),
            validation_accuracy=self.validation_accuracy,
            step_seconds=mean("step"),
            training_seconds=total("training"),
            validation_seconds=total("validation"),
            total_seconds=total("combined"),
        )


def read_runs(path: Path) -> list[TrackedRun]:
    """The runs in the file; none where there is no file. Raises DamagedFileError."""
    if not path.exists():
        return []
    value = read_json(path, FORMAT)
    try:
        runs = [TrackedRun(**run) for run in value["runs"]]
        for run in runs:
            run.summary()
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DamagedFileError(f"{path}: a run in it is damaged ({error}); it was kept as it is") from error
    return runs


def save(path: Path, run: TrackedRun) -> None:
    """Add the run to the file, or replace it where it is there already, and write the text anew."""
    with locked(path):
        runs = {r.id: r for r in read_runs(path)}
        runs[run.id] = run
        kept = list(runs.values())
        models = dict.fromkeys(r.model for r in kept)
        means = {model: averages(model, [r for r in kept if r.model == model]) for model in models}
        value = {"format": FORMAT, "runs": [asdict(r) for r in kept], "averages": means}
        write_json(path, value)
        blocks = [_block(model, [r for r in kept if r.model == model]) for model in models]
        write_text(path.with_suffix(".txt"), "\n".join(blocks))


def averages(model: str, runs: Sequence[TrackedRun]) -> dict[str, Any]:
    """The averages of one model's runs, with the keys of ``lenet-diag stats --json``, and who judged the runs."""
    return {**_group(model, runs).to_json(), "verdicts_by": _judges(runs)}


def _group(model: str, runs: Sequence[TrackedRun]) -> Group:
    return Group(model, tuple(run.summary() for run in runs))


def _judges(runs: Sequence[TrackedRun]) -> list[str]:
    return sorted({run.verdict_by for run in runs})


def _block(model: str, runs: Sequence[TrackedRun]) -> str:
    """The averages of one model for people, all runs and survivors side by side, each with its number of runs."""
    group = _group(model, runs)
    lines = [
        f"{group.label}: times ran {len(group.runs)}",
        f"defect runs: {rate_words(group.defect_runs, group.judged, group.interval)}, "
        f"undecided {group.undecided}; verdicts by {', '.join(_judges(runs))}",
        f"{'average (runs)':22}{'all runs':>18}{'survivors':>18}",
    ]
    both = (group.all, group.survivors)
    for i, _ in enumerate(group.all.epoch_accuracy):
        cells = [m.epoch_accuracy[i] if i < len(m.epoch_accuracy) else Mean.of(()) for m in both]
        lines.append(_row(f"epoch {i + 1} accuracy", cells, ".4f"))
    for name in SINGLE_METRICS:
        digits = ".4f" if name.endswith("accuracy") else ".6f" if name == "step_seconds" else ".3f"
        lines.append(_row(name.replace("_", " "), [getattr(m, name) for m in both], digits))
    line = sensitivity(group)
    return "\n".join([*lines, *([f"validation accuracy: {line}"] if line else []), ""])


def _row(name: str, means: Sequence[Mean], digits: str) -> str:
    cells = (f"{'-' if one.mean is None else format(one.mean, digits)} ({one.n})" for one in means)
    return f"{name:22}" + "".join(f"{cell:>18}" for cell in cells)
