"""Statistics as pandas frames, with one row for each run or for each arm."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from diagnostics.arguments import expect_several
from diagnostics.files import readable_name
from diagnostics.statistics.group import GROUPS, Group
from diagnostics.statistics.means import SINGLE_METRICS, Metrics
from diagnostics.statistics.run_summary import RunSummary


def runs_frame(groups: Sequence[Group]) -> pd.DataFrame:
    """One row for each run, with index (arm, run). Every statistic of the groups can be computed from it.

    ``judged`` is whether a run counts in n, ``defect_run`` whether it counts in k, ``survivor`` whether it is in the
    means over survivors. Undecided and crashed runs are neither defect runs nor survivors.

    Args:
        groups: the arms, as :func:`group_runs` gives them.

    Raises:
        TypeError: what is no list of groups.
    """
    groups = expect_several("groups", groups, GROUPS, Group)
    rows = [
        {"arm": group.label, **_run_row(run), "behind": run in group.behind} for group in groups for run in group.runs
    ]
    return pd.DataFrame(rows, columns=_union(["arm", "run"], rows)).set_index(["arm", "run"])


def groups_frame(groups: Sequence[Group]) -> pd.DataFrame:
    """One row for each arm, with its label as index: counts, defect rate with its interval, and all figures.

    Each figure has mean, std and n, over all runs and over survivors.

    Args:
        groups: the arms, as :func:`group_runs` gives them.

    Raises:
        TypeError: what is no list of groups.
    """
    groups = expect_several("groups", groups, GROUPS, Group)
    rows = [_group_row(group) for group in groups]
    frame = pd.DataFrame(rows, columns=_union(["label"], rows)).set_index("label")
    counts = [column for column in frame.columns if column.endswith("_n")]
    frame[counts] = frame[counts].fillna(0).astype(int)  # an epoch that an arm does not have has n = 0
    return frame


def _run_row(run: RunSummary) -> dict[str, Any]:
    row = {name: value for name, value in vars(run).items() if name not in ("name", "arm", "epochs")}
    epochs = {f"epoch_{e.epoch}_accuracy": e.accuracy for e in run.epochs}
    row["path"] = readable_name(run.path)
    fates = {"judged": run.is_judged, "defect_run": run.is_defect, "survivor": run.is_survivor}
    return {"run": run.name, **row, "verdict": str(run.verdict), **fates, **epochs}


def _group_row(group: Group) -> dict[str, Any]:
    plain = group.to_json()
    low, high = plain["defect_rate_interval"]
    row = {name: value for name, value in plain.items() if isinstance(value, str | int | float | None)}
    row |= {"defect_rate_low": low, "defect_rate_high": high}
    row |= {kind.replace("-", "_"): n for kind, n in group.by_kind.items()}
    row["runs_behind"] = len(group.behind)
    for who, metrics in (("all", group.all), ("survivors", group.survivors)):
        row |= _metric_cells(who, metrics)
    return row


def _metric_cells(who: str, metrics: Metrics) -> dict[str, float | int | None]:
    means = {f"epoch_{i + 1}_accuracy": mean for i, mean in enumerate(metrics.epoch_accuracy)}
    means |= {name: getattr(metrics, name) for name in SINGLE_METRICS}
    return {f"{who}_{name}_{key}": value for name, mean in means.items() for key, value in mean.to_json().items()}


def _union(first: Iterable[str], rows: Sequence[dict[str, Any]]) -> list[str]:
    """The columns of all rows in order of appearance, so that no rows is no error."""
    return list(dict.fromkeys([*first, *(name for row in rows for name in row)]))
