"""What the packages offer: every public name is there, explained, and cheap to import."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import lenet
from lenet import Hook, Layer, Optimizer
from lenet.hooks import StepEnd

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("h5py", "pandas", "matplotlib", "rich", "click", "jinja2", "scipy")


def modules(package: str) -> list[ModuleType]:
    """The package and every module in it; programs that start when imported are left out."""
    root = importlib.import_module(package)
    names = [info.name for info in pkgutil.walk_packages(root.__path__, prefix=f"{package}.")]
    return [root, *(importlib.import_module(name) for name in names if not name.endswith("__main__"))]


TRAINER = modules("lenet")
WITH_NAMES = [m for m in (*TRAINER, *modules("diagnostics"), *modules("reports")) if hasattr(m, "__all__")]


def subclasses(kind: type) -> list[type]:
    return [kind, *(one for child in kind.__subclasses__() for one in subclasses(child))]


def in_the_house(kind: type) -> list[type]:
    """The subclasses that come with the packages, and not those that tests define."""
    return [one for one in subclasses(kind) if one.__module__.split(".")[0] in ("lenet", "diagnostics", "reports")]


# Names -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", WITH_NAMES, ids=lambda module: module.__name__)
def test_every_name_in_all_is_there_once(module: ModuleType) -> None:
    assert [name for name in module.__all__ if not hasattr(module, name)] == []
    assert len(set(module.__all__)) == len(module.__all__)


@pytest.mark.parametrize(
    "name", ["lenet", "lenet.data", "lenet.gradcheck", "diagnostics", "diagnostics.statistics", "diagnostics.study"]
)
def test_all_is_exact_for_the_packages_people_import_from(name: str) -> None:
    module = importlib.import_module(name)
    ours = ("lenet", "diagnostics", "reports")
    public = {
        one
        for one, value in vars(module).items()
        if not one.startswith("_") and str(getattr(value, "__module__", "")).startswith(ours)
    }

    assert public - set(module.__all__) == set()


def test_the_names_that_people_use_stand_at_the_top_and_are_listed() -> None:
    import diagnostics

    names = """open_run open_runs Recorder diagnose compare load_study Run Diagnosis Group Comparison Study StudyPlan
        Arm grid groups_of comparisons_of group_runs load_summaries find_runs compare_all sensitivity parameter_bands
        drifts runs_frame groups_frame summarise export_run import_runs ImportOptions StatisticsTracker Thresholds
        Verdict watch DiagnosticsError LogError"""

    assert set(names.split()) <= set(diagnostics.__all__)
    assert set(diagnostics.__all__) <= set(dir(diagnostics)), "a prompt completes the names that dir() lists"


def test_the_names_of_the_report_are_there() -> None:
    names = """Model ConvolutionLayer AveragePooling Flatten DenseLayer ActivationReLU ActivationSigmoid ActivationTanh
        ActivationSoftmax LossCategoricalCrossEntropy OptimizerSGD OptimizerRMSprop OptimizerAdam AccuracyCategorical
        ReportConvolutionLayer load_mnist_images load_mnist_labels formatData"""

    assert set(names.split()) <= set(lenet.__all__)


@pytest.mark.parametrize(
    ("callable_", "arguments"),
    [
        (lenet.Model, ["stats", "threads"]),
        (lenet.Model.train, ["self", "X", "y", "epochs", "batch_size", "print_every"]),
        (lenet.Model.validate, ["self", "validation_data", "batch_size", "print_every"]),
        (lenet.Model.set, ["self", "loss", "optimizer", "accuracy"]),
        (lenet.ConvolutionLayer, ["depth", "kernel_size", "padding", "input_size"]),
        (lenet.AveragePooling, ["window_size", "stride"]),
        (lenet.DenseLayer, ["n_inputs", "n_neurons"]),
        (lenet.OptimizerSGD, ["learning_rate", "decay", "momentum", "nesterov"]),
    ],
    ids=lambda one: getattr(one, "__qualname__", ""),
)
def test_arguments_have_the_reports_names_in_its_order(callable_: Any, arguments: list[str]) -> None:
    assert list(inspect.signature(callable_).parameters)[: len(arguments)] == arguments


def test_defaults_are_the_reports() -> None:
    def default(callable_: Any, name: str) -> Any:
        return inspect.signature(callable_).parameters[name].default

    assert default(lenet.ConvolutionLayer, "padding") == "valid"
    assert (default(lenet.AveragePooling, "window_size"), default(lenet.AveragePooling, "stride")) == (2, 2)
    for call in (lenet.Model.train, lenet.Model.validate):
        assert (default(call, "batch_size"), default(call, "print_every")) == (None, 100)


# Explanations ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Hook, Layer, Optimizer])
def test_every_hook_layer_and_optimizer_explains_itself(kind: type) -> None:
    assert len(in_the_house(kind)) > 2
    assert [one.__qualname__ for one in in_the_house(kind) if not (one.__dict__.get("__doc__") or "").strip()] == []


def test_every_module_and_every_public_name_of_the_trainer_has_a_docstring() -> None:
    bare = [module.__name__ for module in TRAINER if not module.__doc__]
    for name in lenet.__all__:
        thing = getattr(lenet, name)
        if callable(thing) and not (inspect.getdoc(thing) or "").strip():
            bare.append(name)

    assert bare == []


def test_every_public_method_of_the_model_has_a_docstring() -> None:
    methods = [name for name, value in vars(lenet.Model).items() if not name.startswith("_") and callable(value)]

    assert [name for name in methods if not getattr(lenet.Model, name).__doc__] == []


def test_every_error_of_the_trainer_is_a_lenet_error_and_a_value_error() -> None:
    for error in (lenet.DataError, lenet.SettingsError, lenet.ShapeError):
        assert issubclass(error, lenet.LenetError)
        assert issubclass(error, ValueError)


@pytest.mark.parametrize("kind", in_the_house(Hook), ids=lambda kind: kind.__qualname__)
def test_every_hook_listens_to_known_events_only(kind: type) -> None:
    known = {field for field in vars(Hook) if field.startswith("on_")}

    assert {name for name in dir(kind) if name.startswith("on_")} == known
    assert StepEnd.__doc__


# Imports -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["lenet", "diagnostics", "diagnostics.statistics", "diagnostics.study", "diagnostics.statistics.summary_cache"],
)
def test_importing_a_package_imports_nothing_heavy(name: str) -> None:
    program = f"import {name}, sys; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)

    assert [name for name in HEAVY if name in run.stdout.split()] == []
