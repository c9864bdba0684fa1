"""Whether a header describes a network and a run that can be: all that is worked out of a log believes it."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import NoneType
from typing import Any

import numpy as np

from diagnostics.log.native import ForeignContentError
from diagnostics.schema.columns import INPUT, Columns
from diagnostics.schema.run_info import RunInfo
from lenet.errors import SettingsError
from lenet.hooks import LayerInfo, TensorInfo
from lenet.settings import kinds

LARGEST_NETWORK = 2**40
"""Parameters, or units: more than any that NumPy trains."""
PRIOR_SLACK = 1e-3
NEEDED = ("loss", "data_loss", "samples")
"""The columns that every log has, also one that was imported, or that says what it lacks."""
PLAIN = (str, int, float, bool, NoneType)


def check_run(info: RunInfo, minor: int) -> None:
    """Raise ForeignContentError, naming what was found and what is possible, for a header that no run has.

    info: what the header says. minor: the minor version of the log, which says what measures it must have.
    """
    _check_tensors(info.tensors, info.is_imported)
    _check_layers(info.layers)
    _check_prior(info.prior)
    _check_columns(info, minor)
    _check_settings(info.settings)


def _check_tensors(tensors: Sequence[TensorInfo], is_import: bool) -> None:
    if not tensors and not is_import:
        raise ForeignContentError("its layout names no tensors, expected at least one")
    offset = 0
    for one in tensors:
        name = f"{one.layer}/{one.tensor}"
        if not one.tensor or not one.layer:
            raise ForeignContentError(f"its layout names a tensor {name!r}, expected a tensor of a layer")
        if any(side < 1 for side in one.shape) or math.prod(one.shape) != one.size or one.size > LARGEST_NETWORK:
            raise ForeignContentError(f"{name}: found shape {one.shape} and {one.size} entries, expected them to agree")
        if one.offset != offset:
            raise ForeignContentError(f"{name}: found offset {one.offset}, expected {offset}")
        offset += one.size
    _check_once([f"{one.layer}/{one.tensor}" for one in tensors])


def _check_layers(layers: Sequence[LayerInfo]) -> None:
    for one in layers:
        if any(side < 1 for side in one.output_shape) or one.units != one.output_shape[-1]:
            raise ForeignContentError(
                f"{one.name}: found outputs of shape {one.output_shape} and {one.units} units, expected them to agree"
            )
        if math.prod(one.output_shape) > LARGEST_NETWORK:
            raise ForeignContentError(f"{one.name}: found outputs of shape {one.output_shape}, more than can be")
    _check_once([one.name for one in layers])


def _check_once(names: Sequence[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ForeignContentError(f"its layout names {twice[0]!r} twice")


def _check_prior(prior: Sequence[float]) -> None:
    """One NaN stands for a prior that is not known."""
    if len(prior) == 1 and math.isnan(prior[0]):
        return
    if not all(0 <= share <= 1 for share in prior) or abs(sum(prior) - 1) > PRIOR_SLACK:
        raise ForeignContentError(f"prior: found {', '.join(f'{p:g}' for p in prior[:5])}, expected shares of classes")


def _check_settings(settings: Mapping[str, Any]) -> None:
    for name, value in settings.items():
        if not _is_setting(name, value):
            raise ForeignContentError(f"settings: found {value!r:.40} for {name}, expected another kind of value")


def plain_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as a log holds them, so that it can be read again.

    NumPy's numbers become Python's. What is neither text nor a number, a truth value or None becomes text.
    Raises SettingsError for what is no dictionary, and where a setting of ``lenet-diag train`` has a value that it
    cannot have.
    """
    if not isinstance(settings, Mapping):
        raise SettingsError(f"settings: received {settings!r:.40}, expected a dictionary")
    plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in settings.items()}
    texts = {name: json.dumps(value, default=str) for name, value in plain.items() if not isinstance(value, PLAIN)}
    for name, value in plain.items():
        if name in kinds() and not _is_setting(name, value):
            raise SettingsError(
                f"settings: received {value!r:.40} for {name}, which lenet-diag train knows as another kind of value; "
                "give it another name, or a value that --help allows"
            )
    return {**plain, **texts}


def _is_setting(name: str, value: Any) -> bool:
    """Whether a value is plain, and of the declared type where this program knows the setting."""
    declared = kinds().get(name, PLAIN)
    allowed = (*declared, int) if float in declared else declared
    return isinstance(value, allowed) and (not isinstance(value, bool) or bool in allowed)


@lru_cache(maxsize=8)
def _names_of_columns(tensors: tuple[TensorInfo, ...], layers: tuple[LayerInfo, ...], minor: int) -> frozenset[str]:
    """The columns that a log of this version has; the logs of a folder mostly have the same network."""
    return frozenset(Columns.declare(tensors, layers, minor).names)


def _check_columns(info: RunInfo, minor: int) -> None:
    found = info.columns.names
    if len(set(found)) < len(found):
        raise ForeignContentError("its layout names a column twice")
    known = {INPUT, *(layer.name for layer in info.layers)}
    if strangers := [one.layer for one in info.columns if one.group == "activation" and one.layer not in known]:
        raise ForeignContentError(f"its layout names outputs of {strangers[0]!r}, which is not among its layers")
    lacks = info.is_imported or info.not_recorded
    needed = frozenset(NEEDED) if lacks else _names_of_columns(info.tensors, info.layers, minor)
    missing = needed.difference(found)
    if missing:
        raise ForeignContentError(f"its layout names no column {min(missing)}, which every log has")
