"""Names the kind of mistake in a gradient that was found wrong.

A wrong gradient is compared with what a known mistake would have made of the
right one (scaled, rotated, channels exchanged). What is a mixture of several
mistakes fits none of these; then :mod:`lenet.gradcheck.probes` asks the layer
itself, with inputs and kernels that show one mistake at a time. A name is given
only to a gradient that finite differences have already proved wrong.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lenet.gradcheck.case import TURNS, Case, grouped, number, spans
from lenet.gradcheck.differences import Array
from lenet.gradcheck.probes import probe, scaled, silent_channels
from lenet.gradcheck.subject import Gradients, Subject


def ignored_channels(case: Case, generator: np.random.Generator) -> list[str]:
    """An output that ignores part of its input, which no comparison of gradients can see."""
    channels, silent = silent_channels(case, generator)
    # A softmax over one class, or a mean taken off a batch of one, is constant and right.
    if not silent or channels == 1 or (len(silent) == channels and case.batch == 1):
        return []
    what = "input channel" if case.inputs.ndim > 2 else "input"
    plural, they = ("s", "them") if len(silent) > 1 else ("", "it")
    return [f"the output ignores {what}{plural} {spans(silent)} of {channels}: changing {they} changes nothing"]


def not_reset(gradients: Gradients) -> list[str]:
    """Gradients that carry over from call to call."""
    tails = []
    for name, kept in gradients.kept.items():
        share = "" if abs(kept - 1) < 1e-6 else f"{number(kept)} of "
        tails.append((name, f"not reset between calls, each call adds to {share}what the call before left"))
    return grouped(tails)


def added_to(
    subject: Subject, inputs: Array, dvalues: Array, own: Mapping[str, Array]
) -> tuple[dict[str, Array], list[str]]:
    """What ``backward`` answers to dvalues of zero: the penalties the layer is known to have, and the rest.

    A layer of the book adds the gradient of its L1 and L2 penalties
    (``weight_regularizer_l2`` and so on), which is right. For anything else
    that is added the gradients' names are returned.
    """
    penalties: dict[str, Array] = {}
    added = []
    for name, constant in subject.gradients(inputs, np.zeros_like(dvalues)).own.items():
        if np.linalg.norm(constant) <= 1e-9 * np.linalg.norm(own[name]) or not np.isfinite(constant).all():
            continue
        penalty = subject.penalty_gradient(name)
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


def name_mistakes(case: Case, wrong: list[str]) -> list[str]:
    """Sentences for the gradients that finite differences have proved wrong."""
    found: list[tuple[str, str]] = []
    for name in wrong:
        tail = _plain(case, name) or _turned(case, name) or _paired(case, name)
        tails = [tail] if tail else probe(case, name)
        found += [(name, tail) for tail in tails]
    return grouped(found)


def _plain(case: Case, name: str) -> str | None:
    """Not finite, nothing at all, or the right gradient times a constant."""
    own = case.own[name]
    if not np.isfinite(own).all():
        return "not finite"
    if not own.any():
        return "zero everywhere, no gradient is passed on"
    scale = case.scale(name, own)
    if scale is None or abs(scale - 1) < case.tolerance:
        return None
    return f"the right gradient {scaled(case, name, scale)}"


def _turned(case: Case, name: str) -> str | None:
    """The right gradient with its kernels (or images) rotated, mirrored or transposed."""
    layout, own = case.layout, case.own[name]
    if layout is None:
        return None
    view = layout.view(name, own)
    axes = (0, 1) if name == "dweights" else (1, 2)
    if name == "dbiases" or (name == "dinputs" and view.ndim < 4):
        return None
    for turn in TURNS:
        if turn.square and view.shape[axes[0]] != view.shape[axes[1]]:
            continue
        if view.ndim == 2 and not turn.label.startswith("transposed ("):
            continue
        candidate = np.empty_like(own)
        moved = np.moveaxis(view, axes, (0, 1))
        np.moveaxis(layout.view(name, candidate), axes, (0, 1))[...] = turn.inverse(moved)
        scale = case.scale(name, candidate)
        if scale is not None:
            what = {"dweights": "its kernels are ", "dinputs": "its images are "}[name] if view.ndim == 4 else ""
            extra = "" if abs(scale - 1) < case.tolerance else f", and {scaled(case, name, scale)}"
            return f"{what}{turn.label}{extra}"
    return None


def _paired(case: Case, name: str) -> str | None:
    """The right gradient with its channels in another order."""
    layout, own, numeric = case.layout, case.own[name], case.numeric[name]
    if layout is None:
        return None
    expected = np.full(own.shape, np.nan)
    expected.flat[numeric.entries] = numeric.values
    view, wanted = layout.view(name, own), layout.view(name, expected)
    kinds = {"dinputs": {-1: "input"}, "dbiases": {-1: "output"}, "dweights": {-1: "output", -2: "input"}}
    for axis, kind in kinds[name].items():
        gradient, target = np.moveaxis(view, axis, 0), np.moveaxis(wanted, axis, 0)
        order = [_match(gradient, channel, case.tolerance) for channel in target[:64]]
        moved = [(c, k) for c, k in enumerate(order) if k is not None and k != c]
        if None not in order and moved:
            channel, other = moved[0]
            return f"channels paired wrongly: what belongs to {kind} channel {channel} is given to {other}"
    return None


def _match(gradient: Array, target: Array, tolerance: float) -> int | None:
    """The channel of ``gradient`` that agrees with ``target`` wherever that is known."""
    known = ~np.isnan(target)
    values = target[known]
    if not values.any():
        return None
    off = np.linalg.norm(gradient[:, known] - values, axis=1) / np.linalg.norm(values)
    best = int(np.argmin(off))
    return best if off[best] <= tolerance else None
