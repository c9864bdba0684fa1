"""Tells from the metrics of a file that its loss is no cross-entropy of classes, by which a run would be judged."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from diagnostics.imports.choice import losses_first
from diagnostics.imports.columns import TRAIN_WORDS, VALIDATION_WORDS, meaning_of
from diagnostics.imports.metrics import Numbers

OF_REGRESSION = frozenset({"mse", "mae", "rmse", "mape", "r2", "mean_squared_error", "mean_absolute_error"})
OF_REWARDS = ("reward", "ep_rew", "episode_return")
LEAST_PARTS, MOST_NAMES = 2, 3
BELOW_ZERO = -1e-6


def reason_against_classes(names: Iterable[str], loss: str, values: Numbers) -> str:
    """Why a loss is none of classes, such as "its metric mse is one of a regression"; "" where nothing says so.

    names: all metrics of the file.
    loss: the one that is taken as the loss.
    values: (n,), its values.
    """
    others = losses_first(name for name in names if name != loss)
    if rewards := [name for name in others if any(word in _plain(name) for word in OF_REWARDS)]:
        return _those_of(rewards, "reinforcement learning")
    if errors := [name for name in others if _plain(name) in OF_REGRESSION]:
        return _those_of(errors, "a regression")
    if len(parts := [name for name in others if _is_part(name)]) >= LEAST_PARTS:
        return f"beside its loss stand {_listed(parts)}, as parts of one do"
    if (values[np.isfinite(values)] < BELOW_ZERO).any():
        return "its loss falls below 0, which a cross-entropy never does"
    return ""


def _is_part(name: str) -> bool:
    """Whether a name is that of another loss of the training, such as box_loss or loss_rpn_cls."""
    words = _words(name)
    return "loss" in words and VALIDATION_WORDS.isdisjoint(words) and meaning_of(name) is None


def _plain(name: str) -> str:
    """A name in small letters without what says of which data it is."""
    return "_".join(word for word in _words(name) if word not in TRAIN_WORDS | VALIDATION_WORDS)


def _words(name: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", name.lower())


def _those_of(names: list[str], task: str) -> str:
    be = "metric {} is one" if len(names) == 1 else "metrics {} are those"
    return f"its {be.format(_listed(names))} of {task}"


def _listed(names: list[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
