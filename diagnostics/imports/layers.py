"""The numbers of single layers that a file has, as columns of a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from diagnostics.imports.metrics import MetricSeries, Numbers
from diagnostics.schema.columns import Column
from lenet.hooks import LayerInfo, TensorInfo

COLUMNS = {
    "gradient": ("tensor", "weights", "gradient", "norm", "1"),
    "value": ("tensor", "weights", "value", "norm", "1"),
    "ratio": ("tensor", "weights", "update", "ratio", "1"),
    "dead": ("activation", "", "", "dead_fraction", "share"),
}
"""By what is measured of a layer: group, tensor, kind, statistic and unit of its column."""


@dataclass(frozen=True)
class LayerColumns:
    """What is known of the layers: their tensors and outputs, of sizes that a file does not say, and their columns."""

    tensors: tuple[TensorInfo, ...]
    layers: tuple[LayerInfo, ...]
    columns: tuple[Column, ...]
    values: Numbers


def layer_columns(chosen: Mapping[tuple[str, str, str], MetricSeries], steps: Numbers) -> LayerColumns:
    """The columns of all layers at these steps, in the order in which the file names them."""
    measured = [(quantity, layer) for quantity, layer, data in chosen if layer and data == "train"]
    names = list(dict.fromkeys(layer for _, layer in measured))
    dead = {layer for quantity, layer in measured if quantity == "dead"}
    tensors = tuple(TensorInfo(layer, "weights", (1,), place, 1) for place, layer in enumerate(names))
    layers = tuple(LayerInfo(layer, "unknown", "relu" if layer in dead else None, (1,), 1) for layer in names)
    columns, values = [], []
    for quantity, layer in measured:
        group, tensor, kind, statistic, unit = COLUMNS[quantity]
        columns.append(Column(group, layer, tensor, kind, statistic, unit))
        values.append(chosen[quantity, layer, "train"].at(steps))
    stacked = np.stack(values, 1) if values else np.zeros((len(steps), 0))
    return LayerColumns(tensors, layers, tuple(columns), stacked)
