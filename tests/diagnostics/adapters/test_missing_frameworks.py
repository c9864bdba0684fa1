"""Keras and JAX that are not installed: the recorders can be imported, and say what to install when they are used."""

from __future__ import annotations

import importlib
import re
import sys
from types import ModuleType

import pytest

from diagnostics import adapters
from lenet.errors import SettingsError


def imported_without(missing: str, module: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module of the adapters, imported where ``missing`` is not installed."""
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delitem(sys.modules, f"diagnostics.adapters.{module}", raising=False)
    monkeypatch.setattr(adapters, module, None, raising=False)  # the import sets it, and it is put back afterwards
    return importlib.import_module(f"diagnostics.adapters.{module}")


def test_the_recorder_of_keras_says_that_keras_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    without = imported_without("keras", "keras_recorder", monkeypatch)

    with pytest.raises(SettingsError, match=re.escape('pip install "lenet-diag[keras]"')) as told:
        without.KerasRecorder()
    assert "keras" in str(told.value).split(";")[0]
    assert isinstance(told.value.__cause__, ModuleNotFoundError)


@pytest.mark.parametrize("missing", ["jax", "optax"])
def test_the_recorder_of_jax_says_that_jax_or_optax_is_missing(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if missing == "optax":  # where JAX is not installed either, an empty one takes its place
        for name in ("jax", "jax.numpy"):
            monkeypatch.setitem(sys.modules, name, ModuleType(name))
    without = imported_without(missing, "jax_tap", monkeypatch)

    with pytest.raises(SettingsError, match=re.escape('pip install "lenet-diag[jax]"')) as told:
        without.JaxRecorder(batch_size=1)
    assert missing in str(told.value).split(";")[0]
