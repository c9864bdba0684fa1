"""Chooses the metrics of a file that a run is made of, places each on its steps, and says what was assumed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from diagnostics.errors import LogError
from diagnostics.imports.assumed import are_per_cent
from diagnostics.imports.columns import meanings
from diagnostics.imports.metrics import LoggedMetrics, MetricSeries, Numbers
from diagnostics.imports.options import ImportOptions
from diagnostics.imports.resolution import are_running_means, taken_apart
from diagnostics.imports.step_axis import StepAxis

Key = tuple[str, str, str]
"""Quantity, layer and data of a metric."""


@dataclass
class Draft:
    """A run while it is put together.

    ``metrics``: all that was read of the file.
    ``options``: what the user knows besides.
    ``axis``: how the file counts steps and epochs.
    ``chosen``: the metrics that are used, by what they are.
    ``are_means``: whether a row is a mean over the steps since the row before.
    ``told``: a sentence for each assumption.
    """

    metrics: LoggedMetrics
    options: ImportOptions
    axis: StepAxis
    chosen: dict[Key, MetricSeries]
    are_means: bool
    told: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, metrics: LoggedMetrics, options: ImportOptions, file: str) -> Draft:
        """The metrics of a file by what they are. Raises LogError where none is the loss of a training."""
        known = meanings(list(metrics.series), options.columns)
        best: dict[Key, tuple[tuple[bool, bool, int], str]] = {}
        for name, meaning in known.items():
            key: Key = (meaning.quantity, meaning.layer, meaning.data)
            rank = (name in options.columns.values(), meaning.over != "epoch", len(metrics.series[name]))
            if key not in best or rank > best[key][0]:
                best[key] = (rank, name)
        names = {key: name for key, (_, name) in best.items()}
        losses = [names[key] for key in (("loss", "", "train"), ("data_loss", "", "train")) if key in names]
        if not losses:
            found = ", ".join(sorted(metrics.series)[:12]) or "nothing"
            raise LogError(f"{file}: found no loss of a training among {found}; name it with --columns loss=NAME")
        training = [metrics.series[name] for key, name in names.items() if key[2] == "train"]
        axis = StepAxis.of(metrics, training, options)
        chosen = {key: axis.placed(metrics.series[name]) for key, name in names.items()}
        is_epoch_mean = known[losses[0]].over == "epoch" or axis.unit == "epoch"
        are_means = metrics.rows != "steps" or is_epoch_mean
        draft = cls(metrics, options, axis, chosen, are_means and axis.counts_steps, list(metrics.told))
        draft._take_running_means_apart()
        return draft

    def get(self, quantity: str, data: str = "train") -> MetricSeries | None:
        """A metric of the whole run; None where the file has none."""
        return self.chosen.get((quantity, "", data))

    def at(self, quantity: str, steps: Numbers, data: str = "train") -> Numbers:
        """The values of a metric at these steps, NaN where the file has none."""
        series = self.get(quantity, data)
        return np.full(len(steps), np.nan) if series is None else series.at(steps)

    def loss_and_accuracy(self) -> tuple[MetricSeries, MetricSeries | None]:
        """The loss, and the accuracy as a share at the same steps; None where it is missing in most of the rows."""
        loss, accuracy = self._loss(), self._accuracy()
        if accuracy is not None:
            loss = self._with_lost_rows(loss, accuracy)
            at = np.isin(loss.steps, accuracy.steps)
            loss = MetricSeries(loss.steps[at], loss.epochs[at], loss.values[at])
        return loss, accuracy

    def _loss(self) -> MetricSeries:
        total = self.get("loss")
        return self.chosen["data_loss", "", "train"] if total is None else total

    def _take_running_means_apart(self) -> None:
        """Take running means of the epoch apart, if the file or the numbers say that values are running means."""
        per_epoch = self.axis.per_epoch
        if self.metrics.rows == "means" or self.axis.unit != "step":
            return
        if self.metrics.rows == "steps" and not are_running_means(self._loss(), self.get("accuracy"), per_epoch):
            return
        for key in [("loss", "", "train"), ("data_loss", "", "train"), ("accuracy", "", "train")]:
            if key in self.chosen:
                self.chosen[key] = taken_apart(self.chosen[key], per_epoch)
        self.are_means = True
        self.told.append("its losses are running means of the epoch, which were taken apart")

    def _accuracy(self) -> MetricSeries | None:
        accuracy, loss = self.get("accuracy"), self._loss()
        if accuracy is None:
            return None
        if are_per_cent(accuracy.values):
            accuracy = accuracy.with_values(accuracy.values / 100)
            self.told.append("its accuracies are per cent")
        if 2 * np.isin(loss.steps, accuracy.steps).sum() < len(loss):
            self.told.append("its accuracies are left out, since most rows have none")
            return None
        return accuracy.with_values(np.clip(accuracy.values, 0, 1))

    def _with_lost_rows(self, loss: MetricSeries, accuracy: MetricSeries) -> MetricSeries:
        """In a table, rows at the end that have an accuracy and an empty loss had a loss that was not finite."""
        if self.metrics.is_table and len(loss) and np.isnan(loss.values).all():
            self.told.append("its losses, all empty or nan, are taken as not finite")
            return loss
        late = accuracy.steps > loss.steps[-1] if len(loss) else np.zeros(0, np.bool_)
        if not self.metrics.is_table or not late.any() or not np.isin(accuracy.steps[~late], loss.steps).all():
            return loss
        self.told.append("empty losses at the end, beside accuracies, are taken as not finite")
        return MetricSeries(
            np.append(loss.steps, accuracy.steps[late]),
            np.append(loss.epochs, accuracy.epochs[late]),
            np.append(loss.values, np.full(int(late.sum()), np.nan)),
        )
