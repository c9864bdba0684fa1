"""Names the kind of mistake in a gradient that finite differences have proved wrong."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lenet.gradcheck.differences import Array
from lenet.gradcheck.evidence import Evidence, close
from lenet.gradcheck.layer import LayerUnderTest, OwnGradients
from lenet.gradcheck.wiring import wiring_mistakes
from lenet.gradcheck.wording import grouped, number


def name_mistakes(evidence: Evidence, wrong: list[str]) -> list[str]:
    """Sentences about the gradients whose names are in ``wrong``."""
    found: list[tuple[str, str]] = []
    for name in wrong:
        plain = _plain(evidence, name)
        found += [(name, sentence) for sentence in ([plain] if plain else _several(evidence, name))]
    return grouped(found)


def not_reset(gradients: OwnGradients) -> list[str]:
    """Gradients that carry over from call to call."""
    found = []
    for name, kept in gradients.kept.items():
        share = "" if abs(kept - 1) < 1e-6 else f"{number(kept)} of "
        found.append((name, f"not reset between calls, each call adds to {share}what the call before left"))
    return grouped(found)


def added_to(
    layer: LayerUnderTest, inputs: Array, dvalues: Array, own: Mapping[str, Array]
) -> tuple[dict[str, Array], list[str]]:
    """What ``backward`` answers to dvalues of zero: the penalties the layer is known to have, and the rest.

    A layer of the book adds the gradient of its L1 and L2 penalties
    (``weight_regularizer_l2`` and so on), which is right. For anything else
    that is added the gradients' names are returned.
    """
    penalties: dict[str, Array] = {}
    added = []
    for name, constant in layer.gradients(inputs, np.zeros_like(dvalues)).own.items():
        if np.linalg.norm(constant) <= 1e-9 * np.linalg.norm(own[name]) or not np.isfinite(constant).all():
            continue
        penalty = layer.penalty_gradient(name)
        if (
            penalty is not None
            and penalty.size == constant.size
            and np.allclose(constant.ravel(), penalty.ravel(), rtol=1e-5)
        ):
            penalties[name] = penalty.reshape(own[name].shape)
        else:
            added.append(name)
    return penalties, added


def wrong_shapes(gradients: Mapping[str, Array], shapes: Mapping[str, tuple[int, ...]]) -> list[str]:
    """Gradients of another shape than what they belong to."""
    mistakes = []
    for name, expected in shapes.items():
        found = gradients[name].shape
        if [n for n in found if n != 1] != [n for n in expected if n != 1]:
            turned = ": transposed" if found == expected[::-1] else ""
            mistakes.append(f"{name}: has shape {found}, expected {expected}{turned}")
    return mistakes


def _plain(evidence: Evidence, name: str) -> str | None:
    """Not finite, nothing at all, or the right gradient times a constant."""
    own = evidence.own[name]
    if not np.isfinite(own).all():
        return "not finite"
    if not own.any():
        return "zero everywhere, no gradient is passed on"
    scale = evidence.scale(name)
    if scale is None or abs(scale - 1) < evidence.tolerance:
        return None
    return f"the right gradient {evidence.scaled(name, scale)}"


def _several(evidence: Evidence, name: str) -> list[str]:
    """All that can be said of a gradient in which more than its size is wrong."""
    repeated = _repeated(evidence, name)
    try:
        wiring = wiring_mistakes(evidence, name)
    except Exception:  # a foreign layer may fail in any way when it is given other numbers; then nothing is known
        wiring = []
    batch = {
        -1: f"the batch size ({evidence.batch_size}) is divided out once too often",
        1: f"the batch size ({evidence.batch_size}) is multiplied in",
    }.get(evidence.batch_powers[name])
    return [sentence for sentence in (repeated, *wiring, batch) if sentence]


def _repeated(evidence: Evidence, name: str) -> str | None:
    """One number given to all elements of a kernel, or to all biases."""
    own, numeric, axes = evidence.own[name], evidence.numeric[name], evidence.axes
    if name == "dinputs" or (name == "dweights" and axes is None):
        return None
    wanted = np.full(own.shape, np.nan)
    wanted.flat[numeric.entries] = numeric.values
    what = "all of them"
    if name == "dweights" and axes is not None:
        own, wanted = axes.kernels(own), axes.kernels(wanted)
        what = "all weights" if axes.is_dense else "all elements of a kernel"
    elements = own.shape[0] * own.shape[1] if what.endswith("kernel") else own.size
    rows, known = own.reshape(elements, -1), wanted.reshape(elements, -1)
    known = known[:, (~np.isnan(known)).sum(axis=0) > 1]
    spread = np.max(np.nanmax(known, axis=0) - np.nanmin(known, axis=0), initial=0.0)
    differ = spread > evidence.tolerance * np.abs(numeric.values).max(initial=0.0)
    return f"one value repeated over {what}" if differ and close(rows, 0 * rows + rows.mean(axis=0)) else None
