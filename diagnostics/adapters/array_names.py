"""What the name of an array says: whether it holds weights or biases, of which layer, or what an optimizer keeps.

``weights``, ``W1``, ``fc1_w``, ``weights_input_hidden`` and ``Wxh`` are weights; ``bias``, ``b1``, ``hidden_bias`` and
``bh`` are biases; ``v_W``, ``optimizer.cache["W"]`` and ``running_mean`` are neither.
"""

from __future__ import annotations

import re
from typing import Any

from lenet.gradcheck.foreign.locations import GRADIENT_WORDS, Location

Step = tuple[str, Any]
WEIGHTS = {"w", "theta", "thetas", "syn", "synapse", "synapses", "coef", "coefs"}
BIASES = {"b", "intercept", "intercepts"}
NORMALISATION = ("gamma", "beta")
"""The tensors of a layer that normalises."""
SHORT_WEIGHTS, SHORT_BIASES = re.compile(r"w([a-z]{1,2}|out)"), re.compile(r"b([a-z]{1,2}|out)|[a-z]bias")
"""Names such as Wxh, wih, Wf, Wout, and bh, bf, bout, hbias: the letters besides say between which layers."""
OF_AN_OPTIMIZER = {
    *("optimizer", "optimiser", "optim", "opt", "sgd", "adam", "rmsprop", "adagrad", "momentum", "momentums"),
    *("velocity", "velocities", "cache", "caches", "ema", "running", "moving", "best", "history"),
    *("snapshot", "snapshots", "backup", "backups", "checkpoint", "checkpoints"),
}
"""Words that say, wherever they stand, that what follows is kept beside the tensors."""
OF_ANOTHER_TIME = {
    *("old", "prev", "previous", "last", "init", "initial", "saved", "copy", "updt", "update", "updates", "change"),
    *("mask", "col", "attention", "attn"),
}
"""Words that say so in the name of the array itself."""
STATISTICS = {"mean", "means", "var", "variance", "std", "avg", "average", "ave"}
"""Words of statistics, where the name does not say that the array holds weights or biases."""
OF_A_TWIN = {*("net", "network", "model", "q", "critic", "actor", "policy", "agent", "value")}
"""Words that, with target, name a copy of a network that is trained elsewhere, such as target_net."""
NETWORK_PREFIX = re.compile(r"[GD]_")
"""The beginning of G_W1 and D_b1, the tensors of a generator and a discriminator."""
BESIDE = {"m", "v", "s", "r", "t", "vd", "sd", "md"}
"""Letters of what an optimizer keeps, such as v_W and self.v["W1"], where there is the same name without them."""
OF_A_BATCH = {
    *("x", "y", "a", "z", "h", "out", "output", "outputs", "logits", "probs", "activation", "hidden", "scores"),
    *("score", "state", "states", "net", "pred", "preds"),
}
"""Names of what a layer keeps of a batch: such an array may have a gradient too."""
LONG_GRADIENT_WORDS = {word for word in GRADIENT_WORDS if len(word) > 1}
STRUCTURE = {"layer", "layers", "net", "network", "model", "block", "blocks"}
"""Names of lists that hold what belongs to layers."""
NUMBERED_LAYER = re.compile(r"layer\d+")
"""The part of layer1_weights that says which layer."""


def words_of(*steps: Step) -> tuple[str, ...]:
    """The words of some steps without digits."""
    return tuple(word for word in Location(steps).words if not word.isdigit())


def named_step(location: Location) -> int:
    """The place of the last step that is a name; -1 where the array is in a list that has none, or in lists of layers.

    params[0], [0][1] and layers[0][1] have no name of their own; weights[0] has one.
    """
    steps = location.steps
    last = len(steps) - 1
    while last >= 0 and isinstance(steps[last][1], str) and not words_of(steps[last]):
        last -= 1
    inner = last
    while last >= 0 and not isinstance(steps[last][1], str):
        last -= 1
    words = set(words_of(steps[last])) if last >= 0 else set()
    return last if words - STRUCTURE or (words and inner - last < 2) else -1


def name_of(location: Location) -> tuple[str, ...]:
    """The words of the last name on the way to an array; () where it has none of its own."""
    last = named_step(location)
    return words_of(location.steps[last]) if last >= 0 else ()


def is_of_a_batch(location: Location) -> bool:
    """Whether the name is one of what a layer keeps of a batch."""
    words = name_of(location)
    return bool(words) and OF_A_BATCH.issuperset(words)


def is_weights(words: tuple[str, ...]) -> bool:
    """Whether a name with these words is one of weights."""
    return bool(WEIGHTS.intersection(words)) or (len(words) == 1 and bool(SHORT_WEIGHTS.fullmatch(words[0])))


def is_biases(words: tuple[str, ...]) -> bool:
    """Whether a name with these words is one of biases."""
    return bool(BIASES.intersection(words)) or (len(words) == 1 and bool(SHORT_BIASES.fullmatch(words[0])))


def says_gradient(location: Location) -> bool:
    """Whether the name is that of a gradient; ``d`` and ``g`` may also be two networks that hold layers."""
    named = [n for n, (_, key) in enumerate(location.steps) if isinstance(key, str)]
    last = Location(location.steps[named[-1] : named[-1] + 1]).words if named else ()
    last = last[1:] if named and NETWORK_PREFIX.match(location.steps[named[-1]][1]) else last
    return bool(GRADIENT_WORDS.intersection(last) or LONG_GRADIENT_WORDS.intersection(location.words))


def is_kept_beside(location: Location) -> bool:
    """Whether the name says that an optimizer, a normalisation or a copy keeps the array."""
    if OF_AN_OPTIMIZER.intersection(location.words) or _is_of_a_twin(location):
        return True
    words = name_of(location)
    is_statistic = STATISTICS.intersection(words) and not (is_weights(words) or is_biases(words))
    return bool(is_statistic or OF_ANOTHER_TIME.intersection(words))


def _is_of_a_twin(location: Location) -> bool:
    """Whether the array is in a target network, which is a copy; its own name may say target, as in W_target."""
    held_by = [set(words_of(step)) for step in location.steps[: named_step(location)]]
    return any("target" in words and OF_A_TWIN.issuperset(words - {"target"}) for words in held_by)


def added_words(words: tuple[str, ...], tensor: tuple[str, ...]) -> set[str]:
    """The words that a name has besides all those of a tensor: v of v_W and W; none where it has not all of them."""
    rest = list(words)
    for word in tensor:
        if word not in rest:
            return set()
        rest.remove(word)
    return set(rest)


def layer_word(name: str) -> str:
    """The word of a name that says of which layer: hidden of weights_input_hidden, 1 of layer1_w, xh of Wxh."""
    parts = re.findall(r"(?:[A-Z]?[a-z]+|[A-Z]+)\d*|\d+", name)
    parts = [part[5:] if NUMBERED_LAYER.fullmatch(part.lower()) else part for part in parts]
    if len(parts) == 1 and (SHORT_WEIGHTS.fullmatch(parts[0].lower()) or SHORT_BIASES.fullmatch(parts[0].lower())):
        return str(parts[0].lower()[1:])
    other = WEIGHTS | BIASES | STRUCTURE | set(NORMALISATION)
    rest = [part.lower() for part in parts if not other.intersection(words_of(("item", part)))]
    return rest[-1] if rest else ""


def same_layer(word: str) -> str:
    """What the words of the tensors of one layer have in common: h of xh, hh and h."""
    return word[-1:] if len(word) <= 2 else word
