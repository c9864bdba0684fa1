"""Chooses the metrics of a file that a run is made of, places each on its steps, and says what was assumed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from diagnostics.imports.assumed import are_per_cent
from diagnostics.imports.choice import Key, choice_words, choose
from diagnostics.imports.columns import meanings
from diagnostics.imports.hidden_losses import hidden_losses
from diagnostics.imports.metrics import LoggedMetrics, MetricSeries, Numbers
from diagnostics.imports.options import ImportOptions
from diagnostics.imports.resolution import are_running_means, taken_apart
from diagnostics.imports.step_axis import StepAxis

SAMPLES: Key = ("samples", "", "train")


@dataclass
class Draft:
    """A run while it is put together.

    ``metrics``: all that was read of the file.
    ``options``: what the user knows besides.
    ``axis``: how the file counts steps and epochs.
    ``chosen``: the metrics that are used, by what they are.
    ``are_means``: whether a row is a mean over the steps since the row before.
    ``names``: what the file calls them.
    ``loss_name``: what it calls the loss.
    ``told``: a sentence for each assumption.
    """

    metrics: LoggedMetrics
    options: ImportOptions
    axis: StepAxis
    chosen: dict[Key, MetricSeries]
    names: dict[Key, str]
    are_means: bool
    loss_name: str
    told: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, metrics: LoggedMetrics, options: ImportOptions, file: str) -> Draft:
        """The metrics of a file by what they are. Raises LogError where none is the loss of a training."""
        known = meanings(list(metrics.series), options.columns)
        names = choose(metrics, known, options, file)
        series = {key: metrics.series[name] for key, name in names.items()}
        loss = next(key for key in (("loss", "", "train"), ("data_loss", "", "train")) if key in names)
        axis = StepAxis.of(metrics, series[loss], [one for key, one in series.items() if key[2] == "train"], options)
        chosen = {key: axis.placed(one) for key, one in series.items()}
        is_epoch_mean = known[names[loss]].over == "epoch" or axis.unit == "epoch"
        are_means = is_epoch_mean or (metrics.rows != "steps" and axis.unit != "row")
        words = choice_words(names)
        told = [*([words] if words else []), *metrics.told]
        if SAMPLES in chosen and (np.diff(chosen[SAMPLES].values) > 0).all():
            del chosen[SAMPLES]  # the samples since the beginning, and not those of a batch
        hidden, about_zeros = hidden_losses(chosen[loss], metrics, axis)
        chosen[loss] = chosen[loss].with_values(np.where(hidden, np.nan, chosen[loss].values))
        told += about_zeros
        draft = cls(metrics, options, axis, chosen, names, are_means and axis.counts_steps, names[loss], told)
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
        if self.metrics.is_table and len(loss) and np.isnan(loss.values).all():
            self.told.append("its losses, all empty or nan, are taken as not finite")
        beside = accuracy if accuracy is not None else self._accuracy_of_validation_beside(loss)
        if beside is not None:
            loss = self._with_lost_rows(loss, beside)
        if accuracy is not None:
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
        if self.is_per_cent("train"):
            accuracy = accuracy.with_values(accuracy.values / 100)
            self.told.append("its accuracies are per cent")
        if 2 * np.isin(loss.steps, accuracy.steps).sum() < len(loss):
            self.told.append("its accuracies are left out, since most rows have none")
            return None
        return accuracy.with_values(np.clip(accuracy.values, 0, 1))

    def is_per_cent(self, data: str) -> bool:
        """Whether the accuracies of the training or of the validation are per cent."""
        accuracy, loss = self.get("accuracy", data), self.get("loss", data)
        name = self.names.get(("accuracy", "", data), "")
        return accuracy is not None and are_per_cent(accuracy.values, name, None if loss is None else loss.values)

    def _accuracy_of_validation_beside(self, loss: MetricSeries) -> MetricSeries | None:
        """The accuracy of validations where each row with a loss has one; else None."""
        accuracy = self.get("accuracy", "validation")
        return accuracy if accuracy is not None and np.isin(loss.steps, accuracy.steps).all() else None

    def _with_lost_rows(self, loss: MetricSeries, accuracy: MetricSeries) -> MetricSeries:
        """In a table, rows at the end that have an accuracy and an empty loss had a loss that was not finite."""
        if not self.metrics.is_table or np.isnan(loss.values).all():
            return loss
        late = accuracy.steps > loss.steps[-1]
        if not late.any() or not np.isin(accuracy.steps[~late], loss.steps).all():
            return loss
        self.told.append("empty losses at the end, beside accuracies, are taken as not finite")
        return MetricSeries(
            np.append(loss.steps, accuracy.steps[late]),
            np.append(loss.epochs, accuracy.epochs[late]),
            np.append(loss.values, np.full(int(late.sum()), np.nan)),
        )
