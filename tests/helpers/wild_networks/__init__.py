"""Eight small networks as people write them from scratch, each with a loop of its own.

All learn the same three blobs, and die at once where the first biases are far below 0, since no ReLU ever opens.
``train(watched, rate)`` is the loop of the author: it calls ``watched.step`` once a step. ``taps()`` says by hand what
is to be found. ``options`` are what ``watch`` cannot know, ``rate`` is a learning rate that learns.
"""

from __future__ import annotations

from typing import Any

from tests.helpers.wild_networks.adam_inside import AdamInside
from tests.helpers.wild_networks.batch_of_one import BatchOfOne
from tests.helpers.wild_networks.convolution_channels_first import ConvolutionChannelsFirst
from tests.helpers.wild_networks.dict_of_parameters import DictOfParameters
from tests.helpers.wild_networks.layers_with_dw import LayersWithDW
from tests.helpers.wild_networks.lazy import Lazy
from tests.helpers.wild_networks.list_of_pairs import ListOfPairs
from tests.helpers.wild_networks.tuple_returning import TupleReturning

NETWORKS: tuple[type[Any], ...] = (
    LayersWithDW,
    DictOfParameters,
    ListOfPairs,
    ConvolutionChannelsFirst,
    BatchOfOne,
    Lazy,
    TupleReturning,
    AdamInside,
)
