"""A TorchRecorder on models with parameters and layers of all kinds."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lenet.errors import SettingsError
from tests.helpers.torch_trainings import CLASSES, batches, load_torch, mlp, norms, recorded, usual_step

pytestmark = pytest.mark.torch


def test_frozen_unused_and_forgotten_parameters_are_told_apart(tmp_path: Path) -> None:
    torch = load_torch()
    nn = torch.nn

    class Patchwork(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.frozen, self.used, self.forgotten = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, CLASSES)
            self.unused = nn.Linear(3, 3)
            self.frozen.requires_grad_(False)

        def forward(self, x: Any) -> Any:
            return self.forgotten(torch.relu(self.used(torch.tanh(self.frozen(x)))))

    model = Patchwork()
    given = [*model.frozen.parameters(), *model.used.parameters(), *model.unused.parameters()]
    watched, run = recorded(tmp_path / "run.h5", model, batches(25), optimizer=torch.optim.SGD(given, lr=0.1))

    assert run.info.without_gradient == {f"{la}/{t}" for la in ("frozen", "unused") for t in ("weights", "biases")}
    assert norms(run, "gradient", "frozen/weights") is None
    assert norms(run, "update", "unused/weights") is None
    assert (norms(run, "value", "frozen/weights") > 0).all()
    assert (norms(run, "gradient", "forgotten/weights") > 0).all()
    assert (norms(run, "update", "forgotten/weights") == 0).all()
    assert run.info.layers[0].activation == "tanh"
    assert watched.found.loc["unused", "outputs"] == "not seen"
    assert not np.isnan(run.block()[:, [name.endswith("/norm") for name in run.columns.names]]).any()
    assert not [one for one in run.diagnosis.checks if one.outcome == "error"]
    frozen = next(one for one in run.diagnosis.checks if one.rule == "frozen-layer")
    assert frozen.layer == "forgotten"


def test_a_gradient_that_is_missing_in_a_step_is_no_zero(tmp_path: Path) -> None:
    torch = load_torch()

    class Sometimes(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.always, self.sometimes = torch.nn.Linear(6, CLASSES), torch.nn.Linear(6, CLASSES)
            self.calls = 0

        def forward(self, x: Any) -> Any:
            self.calls += 1
            return self.always(x) + (self.sometimes(x) if self.calls % 2 else 0)

    _, run = recorded(tmp_path / "run.h5", Sometimes(), batches(4))

    missing = np.isnan(norms(run, "gradient", "sometimes/weights"))
    assert missing.tolist() == [False, True, False, True]
    assert norms(run, "update", "sometimes/weights")[1] == 0
    assert run.diagnosis.verdict == "undecided"


def test_a_gradient_that_comes_later_is_said_to_be_missing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    torch = load_torch()
    model = mlp()
    model[0].requires_grad_(False)

    def step(model: Any, optimizer: Any, criterion: Any, x: Any, y: Any) -> None:
        usual_step(model, optimizer, criterion, x, y)
        model[0].requires_grad_(True)

    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    _, run = recorded(tmp_path / "run.h5", model, batches(4), step=step, optimizer=optimizer)

    assert caplog.text.count("0/weights, 0/biases: had no gradient in the first step") == 1
    assert norms(run, "gradient", "0/weights") is None


def test_shared_parameters_are_measured_once_and_layers_without_biases_have_none(tmp_path: Path) -> None:
    torch = load_torch()

    class Tied(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = torch.nn.Embedding(CLASSES, 5)
            self.decoder = torch.nn.Linear(5, CLASSES, bias=False)
            self.decoder.weight = self.embedding.weight

        def forward(self, x: Any) -> Any:
            return self.decoder(self.embedding(x))

    tokens = torch.randint(0, CLASSES, (8, 3))
    data = [(tokens, tokens)] * 3

    def step(model: Any, optimizer: Any, criterion: Any, x: Any, y: Any) -> None:
        optimizer.zero_grad()
        criterion(model(x).transpose(1, 2), y).backward()
        optimizer.step()

    _, run = recorded(tmp_path / "tied.h5", Tied(), data, step=step)
    _, bare = recorded(tmp_path / "bare.h5", mlp(bias=False), batches(3))

    assert run.info.layer_names == ("embedding",)
    assert run.info.batch_size == 24
    assert "inputs" in run.info.not_recorded
    assert [(one.layer, one.tensor) for one in bare.info.tensors] == [("0", "weights"), ("2", "weights")]
    assert not [one for one in bare.diagnosis.checks if one.outcome == "error"]


def test_batch_normalisation_embedding_and_lstm(tmp_path: Path) -> None:
    torch = load_torch()
    nn = torch.nn

    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.lstm = nn.Embedding(9, 6), nn.LSTM(6, 5, batch_first=True, bidirectional=True)
            self.norm, self.head = nn.BatchNorm1d(10), nn.Linear(10, CLASSES)

        def forward(self, tokens: Any) -> Any:
            outputs, _ = self.lstm(self.embedding(tokens))
            return self.head(torch.relu(self.norm(outputs[:, -1])))

    tokens = torch.randint(0, 9, (8, 7))
    _, run = recorded(tmp_path / "run.h5", Reader(), [(tokens, tokens[:, 0] % CLASSES)] * 25)

    assert run.info.layer_names == ("embedding", "lstm", "norm", "head")
    assert [(one.name, one.activation, one.units) for one in run.info.layers] == [
        ("embedding", None, 6),
        ("lstm", None, 10),
        ("norm", "relu", 10),
        ("head", None, CLASSES),
    ]
    names = [one.tensor for one in run.info.tensors if one.layer == "lstm"]
    assert len(set(names)) == 8
    assert all(len(name) <= 16 for name in names)
    assert (norms(run, "gradient", f"lstm/{names[0]}") > 0).all()
    assert not [one for one in run.diagnosis.checks if one.outcome == "error"]


def test_a_transformer_whose_output_projection_is_never_called(tmp_path: Path) -> None:
    torch = load_torch()
    nn = torch.nn

    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.block = nn.TransformerEncoderLayer(6, 2, 12, dropout=0.0, batch_first=True)
            self.head = nn.Linear(6, CLASSES)

        def forward(self, x: Any) -> Any:
            return self.head(self.block(x).mean(1))

    watched, run = recorded(tmp_path / "run.h5", Encoder(), batches(3, 8, (5, 6)))

    assert run.info.layer_names[:3] == ("block.self_attn", "block.self_attn.out_proj", "block.norm1")
    assert watched.found.loc["block.self_attn.out_proj", "outputs"] == "not seen"
    assert (norms(run, "gradient", "block.self_attn.out_proj/weights") > 0).all()
    assert watched.found.loc["block.linear1", "activation"] == "relu"
    assert "block.self_attn" in run.activations.index.get_level_values("layer")


def test_functions_are_found_however_they_are_written_and_others_can_be_told(tmp_path: Path) -> None:
    torch = load_torch()
    nn, functional = torch.nn, torch.nn.functional

    class Swish(nn.Module):
        def forward(self, x: Any) -> Any:
            return x * torch.sigmoid(x)

    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.c = nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(2, 2, 3), nn.Linear(8, 8)
            self.d, self.e, self.f = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, CLASSES)
            self.own = Swish()

        def forward(self, x: Any) -> Any:
            x = torch.sigmoid(functional.max_pool2d(self.a(x), 2))
            x = functional.relu_(self.b(x)).flatten(1)
            x = self.own(self.c(x))
            return self.f(functional.gelu(self.e(torch.tanh(self.d(x)))))

    data = batches(2, 8, (1, 8, 8))
    watched, run = recorded(tmp_path / "run.h5", Mixed(), data)
    told, _ = recorded(tmp_path / "told.h5", Mixed(), data, activations={"c": "relu", "d": None})

    assert watched.found["activation"].to_dict() == {
        "a": "sigmoid",
        "b": "relu",
        "c": "none",
        "d": "tanh",
        "e": "gelu",
        "f": "none",
    }
    assert run.activations.loc[(0, "a"), "mean"] == pytest.approx(0.5, abs=0.2)
    assert told.found["activation"].to_dict() == {
        "a": "sigmoid",
        "b": "relu",
        "c": "relu",
        "d": "none",
        "e": "gelu",
        "f": "none",
    }
    with pytest.raises(SettingsError, match="activations: received zz, expected some of the layers a, b"):
        recorded(tmp_path / "bad.h5", Mixed(), data, activations={"zz": "relu"})


def test_compiled_code_stays_in_one_piece_and_its_outputs_are_declared_to_be_missing(tmp_path: Path) -> None:
    torch = load_torch()
    model = mlp()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the compiler itself
        compiled = torch.compile(model, backend="eager", fullgraph=True)

        def step(model: Any, optimizer: Any, criterion: Any, x: Any, y: Any) -> None:
            usual_step(compiled, optimizer, criterion, x, y)

        watched, run = recorded(tmp_path / "run.h5", model, batches(3), step=step)

    assert (watched.found["outputs"] == "not seen").all()
    assert {"activations", "inputs"} <= set(run.info.not_recorded)
    assert (norms(run, "gradient", "0/weights") > 0).all()


def test_parameters_and_modules_that_are_not_measured_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    torch = load_torch()
    nn = torch.nn

    class Rare(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.turned = nn.Parameter(torch.ones(5, dtype=torch.cfloat))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                self.scripted = torch.jit.script(nn.Linear(6, 5))
            self.normed = nn.utils.parametrizations.weight_norm(nn.Linear(5, CLASSES))

        def forward(self, x: Any) -> Any:
            return self.normed((self.scripted(x) * self.turned).abs())

    watched, run = recorded(tmp_path / "run.h5", Rare(), batches(2))

    assert "turned: complex numbers are not measured" in caplog.text
    assert watched.found["outputs"].to_dict() == {
        "scripted": "not seen",
        "normed": "measured",
        "normed.parametrizations.weight": "not seen",
    }
    assert (norms(run, "update", "scripted/weights") > 0).all()
