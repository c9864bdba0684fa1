"""A long table, which has a row a number and a column with its metric, as a table with a column a metric."""

from __future__ import annotations

import pandas as pd

from diagnostics.imports.columns import is_loss

METRIC_NAMES = ("metric", "metric_name", "metricname", "metric.name", "key", "tag", "variable", "name")
VALUE_NAMES = ("value", "metric_value", "metricvalue")
MOST_METRICS = 1000


def with_a_column_a_metric(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with a column for each name in its column of metrics; as it is where its columns have losses."""
    places = {str(name).strip().lower(): place for place, name in reversed([*enumerate(frame.columns)])}
    metric = next((places[name] for name in METRIC_NAMES if name in places), None)
    value = next((places[name] for name in VALUE_NAMES if name in places), None)
    if metric is None or value is None or any(is_loss(str(name)) for name in frame.columns):
        return frame
    names, values = frame.iloc[:, metric].astype(str).str.strip(), frame.iloc[:, value].astype(object)
    known = list(dict.fromkeys(names))[:MOST_METRICS]
    if not any(is_loss(name) for name in known):
        return frame
    others = frame.iloc[:, [place for place in range(frame.shape[1]) if place not in (metric, value)]]
    spread = {name: values.where(names == name, None) for name in known if name not in others.columns}
    return pd.concat([others, pd.DataFrame(spread, index=frame.index)], axis=1)
