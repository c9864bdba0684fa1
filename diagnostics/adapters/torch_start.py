"""RunKnowledge: what is known of a run when its first step has been measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.adapters.measured_run import MeasuredRun
from diagnostics.adapters.torch_loss import LossTap
from diagnostics.adapters.torch_optimizers import description_of
from diagnostics.adapters.torch_plan import StepPlan
from diagnostics.record.row_recorder import RowRecorder
from diagnostics.schema.task import Task


@dataclass
class RunKnowledge:
    """What the user says of a run, and how it begins.

    Attributes:
        optimizers: the optimisers.
        labels: targets of the training set; None where they are not known.
        epochs: how many times the data are gone through.
        steps_per_epoch: steps of one epoch; None where the labels say it, or nobody.
        seed: of all that is random; None where it is not known.
        description: what the log says of the model.
        activations: functions after layers, by their names.
    """

    optimizers: list[Any]
    labels: NDArray[Any] | None = None
    epochs: int = 1
    steps_per_epoch: int | None = None
    seed: int | None = None
    description: Mapping[str, Any] = field(default_factory=dict)
    activations: Mapping[str, str | None] = field(default_factory=dict)

    def begin(self, run: MeasuredRun, recorder: RowRecorder, plan: StepPlan, loss: LossTap, batch_size: int) -> None:
        """Announce the start of the run, with what the first step has shown; ``batch_size`` is that of this step."""
        import torch

        task = loss.task or Task.loss_only()
        samples = None if self.labels is None else len(self.labels)
        recorder.task = task if self.labels is None else task.with_targets(np.asarray(self.labels))
        recorder.not_recorded = (*recorder.not_recorded, *self._lacks(plan, loss))
        per_epoch = self.steps_per_epoch
        if per_epoch is None and samples is not None:
            per_epoch = -(-samples // batch_size)
        known = {
            "framework": f"PyTorch {torch.__version__}",
            **description_of(self.optimizers),
            "loss": "told by the loop" if loss.criterion is None else type(loss.criterion).__name__,
            "without_gradient": plan.still,
        }
        run.begin(
            plan.tensor_infos,
            layers=plan.infos,
            samples=samples,
            batch_size=batch_size,
            epochs=self.epochs,
            steps_per_epoch=per_epoch,
            description={**known, **self.description},
            seed=-1 if self.seed is None else self.seed,
            threads=torch.get_num_threads(),
        )

    @staticmethod
    def _lacks(plan: StepPlan, loss: LossTap) -> list[str]:
        """What is not recorded, as logs call it."""
        accuracy = [] if loss.has_accuracy else ["accuracy"]
        return ["penalty", *accuracy, *([] if plan.has_batch else ["inputs"])]
