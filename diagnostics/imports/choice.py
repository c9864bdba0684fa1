"""Chooses, among the metrics of a file, the one for each quantity of a run, and says which they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from diagnostics.errors import LogError
from diagnostics.imports.columns import SCALAR_NAMES, TRAIN_WORDS, MetricMeaning
from diagnostics.imports.metrics import LoggedMetrics
from diagnostics.imports.options import ImportOptions

Key = tuple[str, str, str]
"""Quantity, layer and data of a metric."""
MOST_NAMES = 12
"""So many names are listed where none of them is a loss."""


def choose(
    metrics: LoggedMetrics, known: Mapping[str, MetricMeaning], options: ImportOptions, file: str
) -> dict[Key, str]:
    """The name of the metric for each quantity: the one that the user names, else values of steps, else the longest.

    metrics: what was read of the file.
    known: what its names mean.
    options: what the user knows besides.
    file: the path of the file.

    Raises LogError where none is the loss of a training.
    """
    best: dict[Key, tuple[tuple[bool, bool, int], str]] = {}
    for name, meaning in known.items():
        key: Key = (meaning.quantity, meaning.layer, meaning.data)
        rank = (name in options.columns.values(), meaning.over != "epoch", len(metrics.series[name]))
        if key not in best or rank > best[key][0]:
            best[key] = (rank, name)
    names = {key: name for key, (_, name) in best.items()}
    if ("loss", "", "train") not in names and ("data_loss", "", "train") not in names:
        found = losses_first(metrics.series)[:MOST_NAMES]
        if not found:
            raise LogError(f"{file}: holds no metric, expected the loss of a training")
        example = f"loss={found[0] if len(found) == 1 else 'NAME'}"
        shown = f'"{example}"' if " " in example else example
        among = ", ".join(found)
        raise LogError(f"{file}: found no loss of a training among {among}; name it with --columns {shown}")
    if _is_accuracy_of_validation(names, options):
        names["accuracy", "", "validation"] = names.pop(("accuracy", "", "train"))
    return names


def _is_accuracy_of_validation(names: Mapping[Key, str], options: ImportOptions) -> bool:
    """Whether the only accuracy is that of the validation, as in ``train_loss,valid_loss,accuracy`` of fastai.

    Its name does not say of which data it is, while those of the losses do.
    """
    accuracy, loss = (names.get((quantity, "", "train")) for quantity in ("accuracy", "loss"))
    if accuracy is None or loss is None or accuracy in options.columns.values():
        return False
    validated = [quantity for quantity, _, data in names if data == "validation"]
    return validated == ["loss"] and _says_training(loss) and not _says_training(accuracy)


def _says_training(name: str) -> bool:
    return not TRAIN_WORDS.isdisjoint(re.findall(r"[a-z]+", name.lower()))


def losses_first(names: Iterable[str]) -> list[str]:
    """Names in the order of the alphabet, those that speak of a loss before the others."""
    return sorted(names, key=lambda name: ("loss" not in name.lower(), name))


def choice_words(names: Mapping[Key, str]) -> str:
    """Which metrics were taken, in words. Those of layers are left out, and those whose names say it themselves."""
    parts = []
    for data in ("train", "validation"):
        for quantity in SCALAR_NAMES:
            name = names.get((quantity, "", data), "").strip()
            if name and re.sub(r"\W", "_", name.lower()) != quantity:
                words = quantity.replace("_", " ")
                parts.append(f"{'' if data == 'train' else 'validation '}{words} is {name}")
    return ", ".join(parts)
