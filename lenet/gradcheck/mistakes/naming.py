"""Names the kind of mistake in a gradient that finite differences have proved wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

import numpy as np

from lenet.gradcheck.compare import plain_mistake
from lenet.gradcheck.differences import Array, Indices, differences, precision_of
from lenet.gradcheck.foreign.layer import LayerUnderTest, OwnGradients
from lenet.gradcheck.foreign.locations import locations_of
from lenet.gradcheck.mistakes.evidence import GradientEvidence, close
from lenet.gradcheck.mistakes.wiring import wiring_mistakes
from lenet.gradcheck.wording import grouped, number

MOST_ENTRIES = 32
BATCH_SIZE = {-1: "the batch size is divided out once too often", 1: "the batch size is multiplied in"}


def name_mistakes(evidence: GradientEvidence, wrong: list[str]) -> list[str]:
    """Sentences about the gradients whose names are in ``wrong``."""
    found: list[tuple[str, str]] = []
    for name in wrong:
        plain = _plain(evidence, name)
        found += [(name, sentence) for sentence in ([plain] if plain else _several(evidence, name))]
    return grouped(found)


def not_reset(gradients: OwnGradients) -> list[str]:
    """Sentences about gradients that are kept from call to call."""
    found = []
    for name, kept in gradients.kept.items():
        share = "" if abs(kept - 1) < 1e-6 else f"{number(kept)} of "
        found.append((name, f"not reset between calls, each call adds to {share}what the call before left"))
    return grouped(found)


def unused_parameters(evidence: GradientEvidence, unused: list[str]) -> list[str]:
    """Sentences about parameters with a gradient that forward does not use, such as a bias that is never added."""
    trained = [source.of for label, source in evidence.layer.sources.items() if evidence.own[label].any()]
    return [f"{name}: never used by forward, the output does not depend on it" for name in unused if name in trained]


def added_to(
    layer: LayerUnderTest, inputs: Array, dvalues: Array, own: Mapping[str, Array]
) -> tuple[dict[str, Array], list[str]]:
    """The gradients for dvalues of zero: what a layer may add, and the names of gradients with more than that.

    It may add the gradient of a penalty on its weights, a sign(w) + b w, and an
    update may go on with the momentum of the step before.
    """
    allowed: dict[str, Array] = {}
    added = []
    rates = [float(held) for held in locations_of(layer.layer).values() if np.ndim(held) == 0]
    for label, constant in layer.gradients(inputs, np.zeros_like(dvalues)).own.items():
        if np.linalg.norm(constant) <= 1e-9 * np.linalg.norm(own[label]) or not np.isfinite(constant).all():
            continue
        source = layer.sources[label]
        constant = constant.reshape(own[label].shape) if constant.size == own[label].size else constant
        value = layer.parameters.get(source.of, np.zeros(0)).reshape(-1)
        if source.where == "change" or (value.size == constant.size and is_penalty(constant.ravel(), value, rates)):
            allowed[label] = constant
        else:
            added.append(label)
    return allowed, added


def is_penalty(constant: Array, value: Array, rates: Sequence[float] = (), tolerance: float = 1e-5) -> bool:
    """Whether this is a sign(w) + b w with a and b of 0 or more; the sign of 0 may be 1, as in the book.

    Too few weights, or weights of 0, fit anything; then a or b has to be one of the ``rates``, or twice that.
    """

    def fits(penalty: Array) -> bool:
        return bool(np.linalg.norm(penalty - constant) <= tolerance * np.linalg.norm(constant))

    book = np.where(value < 0, -1.0, 1.0)
    if value.size < 3 or not value.any():
        return any(rate > 0 and (fits(rate * book) or fits(rate * value) or fits(2 * rate * value)) for rate in rates)
    for signs in (np.sign(value), book):
        columns = np.stack([signs, value], axis=1)
        factors = np.linalg.lstsq(columns, constant, rcond=None)[0]
        if fits(columns @ factors) and (factors > -1e-9).all():
            return True
    return False


def wrong_shapes(gradients: Mapping[str, Array], shapes: Mapping[str, tuple[int, ...]], samples: int = 0) -> list[str]:
    """Sentences about gradients whose shape differs from that of their parameter."""
    mistakes = []
    for name, expected in shapes.items():
        found = gradients[name].shape
        if [n for n in found if n != 1] != [n for n in expected if n != 1]:
            of_one = expected[1:] if expected[:1] == (1,) else expected
            why = {expected[::-1]: ": transposed", (samples, *of_one): ": not summed over the samples"}.get(found, "")
            mistakes.append(f"{name}: has shape {found}, expected {expected}{why}")
    return mistakes


def _plain(evidence: GradientEvidence, name: str) -> str | None:
    """The mistake in words: not finite, zero, or the right gradient times a constant."""

    def reason(factor: float) -> str | None:
        sign = "its sign is wrong" if abs(factor + 1) < evidence.tolerance else None
        return BATCH_SIZE.get(evidence.batch_powers[name], sign)

    return plain_mistake(evidence.own[name], evidence.numeric[name], evidence.tolerance, reason)


def _several(evidence: GradientEvidence, name: str) -> list[str]:
    """Sentences about a gradient in which more than its size is wrong."""
    found = [_repeated(evidence, name)]
    with suppress(Exception):  # a foreign layer may fail in any way with other numbers
        if name == "dinputs":
            found += [_diagonal(evidence), _updated(evidence)]
        found += wiring_mistakes(evidence, name)
    if power := evidence.batch_powers[name]:
        found.append(BATCH_SIZE[power].replace("batch size", f"batch size ({evidence.batch_size})"))
    return [sentence for sentence in found if sentence]


def _repeated(evidence: GradientEvidence, name: str) -> str | None:
    """A sentence about one number that all elements of a kernel, or all biases, get."""
    own, numeric, axes = evidence.own[name], evidence.numeric[name], evidence.axes
    if name == "dinputs" or (own.ndim > 1 and not evidence.is_of_kernel(name)):
        return None
    wanted = np.full(own.shape, np.nan)
    wanted.flat[numeric.entries] = numeric.values
    what = "all of them"
    if evidence.is_of_kernel(name) and axes is not None:
        own, wanted = axes.kernels(own), axes.kernels(wanted)
        what = "all weights" if axes.is_dense else "all elements of a kernel"
    elements = own.shape[0] * own.shape[1] if what.endswith("kernel") else own.size
    rows, known = own.reshape(elements, -1), wanted.reshape(elements, -1)
    known = known[:, (~np.isnan(known)).sum(axis=0) > 1]
    spread = np.max(np.nanmax(known, axis=0) - np.nanmin(known, axis=0), initial=0.0)
    differ = spread > evidence.tolerance * np.abs(numeric.values).max(initial=0.0)
    return f"one value repeated over {what}" if differ and close(rows, 0 * rows + rows.mean(axis=0)) else None


def _diagonal(evidence: GradientEvidence) -> str | None:
    """A sentence about a derivative of each output by its own input alone."""
    own, dvalues = evidence.own["dinputs"], evidence.dvalues
    if own.shape != dvalues.shape:
        return None
    for entry in evidence.numeric["dinputs"].entries[:MOST_ENTRIES]:
        alone = np.zeros_like(dvalues)
        alone.flat[entry] = dvalues.flat[entry]
        if not _agrees(evidence, alone, evidence.layer.parameters, entry[None]):
            return None
    return "uses the diagonal of the Jacobian alone: each output depends on the other inputs too"


def _updated(evidence: GradientEvidence) -> str | None:
    """A sentence about a gradient that uses the updated parameters."""
    layer = evidence.layer
    layer.restart()
    layer.run(evidence.inputs)
    layer.backward(evidence.dvalues)
    updated = {name: layer.in_effect(name) for name in layer.parameters}
    if all(np.array_equal(value, layer.parameters[name]) for name, value in updated.items()):
        return None
    entries = evidence.numeric["dinputs"].entries[:MOST_ENTRIES]
    if not _agrees(evidence, evidence.dvalues, updated, entries):
        return None
    return "passes the gradient back through the updated weights, expected: those of the forward pass"


def _agrees(evidence: GradientEvidence, dvalues: Array, parameters: Mapping[str, Array], entries: Indices) -> bool:
    """Whether ``dinputs`` is right, at some entries, for other dvalues or other parameters."""

    def by_inputs(tensor: Array) -> tuple[Array, Array]:
        return evidence.layer.run(tensor, parameters), tensor

    precision = precision_of(evidence.layer.dtype)
    numeric = differences(by_inputs, evidence.inputs, dvalues, entries, precision)
    found = evidence.own["dinputs"].ravel()[numeric.entries]
    size = np.linalg.norm(found) + np.linalg.norm(evidence.dvalues) * precision.eps / evidence.tolerance
    return bool(np.linalg.norm(found - numeric.values) <= evidence.tolerance * size)
