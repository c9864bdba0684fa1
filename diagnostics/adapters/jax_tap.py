"""tap: records a training with JAX and optax, from within the compiled step.

    recorder = JaxRecorder("mine.h5", labels=y, batch_size=128, lr=0.1)
    optimizer = tap(optax.sgd(0.1), recorder)
    ...
    updates, state = optimizer.update(grads, state, params, value=loss, accuracy=accuracy)     # within the jitted step
    ...
    recorder.close()

``tap`` is a gradient transformation: it hands the updates of the optimizer on as they are. Mean, spread, ends, norm,
zeros and non-finite entries of values, gradients and updates are computed by the compiled step, and one vector a step
comes out of it.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from diagnostics.adapters.jax_tree import Leaves, named_tensors, rate_of_step, trained_leaves
from diagnostics.adapters.measured_run import MeasuredRun
from diagnostics.adapters.vector_meter import VectorMeter
from diagnostics.record.row_recorder import RowRecorder
from diagnostics.schema.columns import Columns
from diagnostics.schema.measures import TENSOR_STATISTICS
from diagnostics.schema.run_info import RunInfo
from diagnostics.schema.task import DEFAULT_TASK, Task
from lenet.errors import SettingsError
from lenet.hooks import RunStart, StopTraining, TensorInfo
from lenet.training.announcer import StepResult

MISSING: ModuleNotFoundError | None = None
try:
    import jax
    import jax.numpy as jnp
    import optax
except ModuleNotFoundError as error:  # told where it is used
    MISSING = error

log = logging.getLogger("lenet-diag")


class JaxRecorder:
    """Takes in what :func:`tap` measures; it may be a context manager.

    ``path``: the log; None (default) measures and judges without one.
    ``labels``: the targets of the whole training set, (N,), one-hot (N, classes), or the numbers of a regression. None
    (default) where they are not known; the run is then judged by its losses alone.
    ``task``: what is trained for; None (default) for classes with cross-entropy.
    ``batch_size``: samples a step.
    ``epochs``: how many times the data are gone through, default 1.
    ``steps_per_epoch``: None (default) where a last, smaller batch is trained on too.
    ``lr``: the learning rate, a number or a function of the step, as optax has them; None (default) for the one that
    ``optax.inject_hyperparams`` keeps. Without either the log says "not recorded: learning_rate".
    ``seed``: kept in the log; None (default) where it is not known.
    ``description``: what the log says of the model, such as ``{"optimizer": "Adam"}``; default nothing.
    ``recorder``: options of the Recorder, default none.

    The attribute ``recorder`` is the recorder, with ``diagnosis`` at the end.

    Raises SettingsError for options that cannot be.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        labels: NDArray[Any] | None = None,
        task: Task | None = None,
        batch_size: int,
        epochs: int = 1,
        steps_per_epoch: int | None = None,
        lr: float | Callable[[int], Any] | None = None,
        seed: int | None = None,
        description: Mapping[str, Any] | None = None,
        recorder: Mapping[str, Any] | None = None,
    ) -> None:
        if MISSING is not None:
            raise SettingsError(f'{MISSING}; expected JAX and optax: pip install "lenet-diag[jax]"') from MISSING
        self._task = task or DEFAULT_TASK
        if labels is None:
            self._task = Task.loss_only()
        else:
            self._task = self._task.with_targets(np.asarray(labels))
        self._samples = None if labels is None else len(labels)
        self._batch_size, self._epochs, self._lr, self._seed = batch_size, epochs, lr, seed
        self._description, self._steps_per_epoch = dict(description or {}), steps_per_epoch
        self.recorder = RowRecorder(
            path, columns=self._columns, meter=self._meter, task=self._task, histograms_every=0, **(recorder or {})
        )
        self.recorder.check()
        self._tensors: tuple[TensorInfo, ...] = ()
        self._run: MeasuredRun | None = None
        self._stop: StopTraining | None = None
        self._failure: Exception | None = None

    @property
    def should_stop(self) -> bool:
        """Whether the recorder was asked to stop on a defect, and has found one."""
        return self._stop is not None

    def close(self) -> None:
        """End the run, once all steps have been made: the log is closed, and ``recorder.diagnosis`` is there."""
        self._end(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end(error)

    # ---- what tap calls

    def expects(self, leaves: Leaves) -> None:
        """The tensors of the steps that come."""
        if self._run is None:
            self._tensors = named_tensors(leaves)

    def expects_no_run(self) -> None:
        """Raise SettingsError where a run is recorded already."""
        if self._run is not None:
            raise SettingsError("tap: init was called again after the first step, expected a recorder for each run")

    def rate(self, state: Any, after: Any) -> Any:
        """The learning rate of an update, within the compiled step; NaN where only the host knows it."""
        return rate_of_step(self._lr, state, after)

    def take(self, numbers: Any, loss: Any, accuracy: Any, rate: Any) -> None:
        """One step: the statistics of all tensors, and what the loop says of its batch; NaN for what it does not say.

        An error of the recorder ends the recording, and never the training.
        """
        if self.should_stop or self._failure or (self._run and self._run.status):
            return
        try:
            self._take(np.asarray(numbers), float(loss), float(accuracy), float(rate))
        except StopTraining as stop:
            self._stop = stop
            log.warning("%s; check recorder.should_stop in the loop", stop)
        except Exception as error:
            self._failure = error
            log.warning(
                "JaxRecorder: %s: %s; the recording ends, and the training goes on", type(error).__name__, error
            )

    # ---- inside

    def _take(self, numbers: NDArray[Any], loss: float, accuracy: float, rate: float) -> None:
        right = accuracy if 0 <= accuracy <= 1 else math.nan
        if math.isnan(rate) and self._lr is not None:
            rate = float(self._lr(self._run.step if self._run else 0) if callable(self._lr) else self._lr)
        if self._run is None:
            if math.isnan(right) and not math.isnan(accuracy):
                log.warning("JaxRecorder: accuracy: received %g, expected a share from 0 to 1: not recorded", accuracy)
            lacks = [] if math.isfinite(right) and self._task.has_classes else ["accuracy"]
            self._begin(lacks + (["learning_rate"] if math.isnan(rate) else []))
        run = self._run
        assert run is not None
        self._numbers, seconds = numbers, run.clock.seconds
        run.clock.restart()
        result = StepResult(
            data_loss=loss,
            penalty=0.0,
            accuracy=right,
            correct=right * self._batch_size,
            samples=self._batch_size,
            learning_rate=rate,
        )
        run.measured(result, seconds)
        run.raise_if_stopped()

    def _begin(self, lacks: list[str]) -> None:
        lacks = ["inputs", "activations", "penalty", *lacks]
        per_epoch = -(-self._samples // self._batch_size) if self._samples else None
        self._run = run = MeasuredRun(self.recorder)
        run.begin(
            self._tensors,
            layers=(),
            samples=self._samples,
            batch_size=self._batch_size,
            epochs=self._epochs,
            steps_per_epoch=self._steps_per_epoch or per_epoch,
            description={**self._description, "framework": f"jax {jax.__version__}", "not_recorded": lacks},
            seed=-1 if self._seed is None else self._seed,
            threads=0,
        )

    def _end(self, error: BaseException | None) -> None:
        jax.effects_barrier()  # rows of steps that were asked for may still be under way
        if self._run is not None and not self._run.status:
            self._run.end(self._stop or self._failure or error)

    def _columns(self, start: RunStart) -> Columns:
        return Columns.declare(start.tensors, (), without=start.description["not_recorded"])

    def _meter(self, info: RunInfo) -> VectorMeter:
        return VectorMeter(info, lambda: self._numbers)


def tap(optimizer: Any, recorder: JaxRecorder) -> Any:
    """A gradient transformation that does what ``optimizer`` does, and tells ``recorder`` of each step.

    optimizer: an optax gradient transformation.
    recorder: what takes the statistics in.

    Its ``update`` wants the parameters, and ``value=loss``; ``accuracy=`` may be given besides. Further keywords go to
    the optimizer. Raises SettingsError where parameters or loss are missing.
    """
    inner = optax.with_extra_args_support(optimizer)

    def init(params: Any) -> Any:
        recorder.expects_no_run()
        return inner.init(params)

    def update(updates: Any, state: Any, params: Any = None, **extra: Any) -> tuple[Any, Any]:
        accuracy = extra.pop("accuracy", None)
        if params is None or "value" not in extra:
            missing = "params" if params is None else "value=loss"
            raise SettingsError(
                f"tap: update: received no {missing}, expected update(grads, state, params, value=loss)"
            )
        changes, after = inner.update(updates, state, params, **extra)
        gradients, values, made = (trained_leaves(tree) for tree in (updates, params, changes))
        recorder.expects(gradients)
        made = {path: _change(values[path], made[path]) for path in gradients}
        numbers = jnp.stack([_statistics([leaves[path] for path in gradients]) for leaves in (values, gradients, made)])
        told = (extra["value"], jnp.nan if accuracy is None else accuracy, recorder.rate(state, after))
        jax.experimental.io_callback(recorder.take, None, numbers, *told, ordered=True)
        return changes, after

    return optax.GradientTransformationExtraArgs(init, update)


def _change(value: Any, change: Any) -> Any:
    """What ``optax.apply_updates`` changes: less than the update where a narrow value rounds it away."""
    kind = jnp.result_type(value)
    if kind.itemsize >= 4:
        return change
    before, limits = value.astype(jnp.float32), jnp.finfo(kind)
    after = before + change.astype(jnp.float32)
    # A cast there and back would not round: XLA leaves both out.
    return jax.lax.reduce_precision(after, limits.nexp, limits.nmant) - before


def _statistics(leaves: list[Any]) -> Any:
    """The declared statistics of tensors, (statistic, tensor)."""
    return jnp.stack([_of_tensor(jnp.ravel(one)) for one in leaves], axis=1)


def _of_tensor(x: Any) -> Any:
    """The statistics of a flat tensor; where float32 cannot hold those of float64, they are float64."""
    found = _of_entries(x.astype(jnp.float32))
    if x.dtype != jnp.float64:
        return found
    largest = jnp.where(jnp.isfinite(x), jnp.abs(x), 0).max()
    wide = _of_entries(x, jnp.where(largest > 0, largest, 1))
    return jnp.where(jnp.isfinite(found).all(), found.astype(x.dtype), wide)


def _of_entries(x: Any, size: Any = 1) -> Any:
    """The statistics of a flat tensor; its squares and sums are those of x / size, which do not overflow."""
    part = x / size
    found = {
        "mean": part.mean() * size,
        "std": part.std() * size,
        "min": x.min(),
        "max": x.max(),
        "norm": jnp.sqrt(jnp.vdot(part, part)) * size,
        "zero_fraction": (x == 0).mean(),
        "nonfinite": (~jnp.isfinite(x)).sum(),
    }
    return jnp.stack([found[one.name].astype(x.dtype) for one in TENSOR_STATISTICS])
