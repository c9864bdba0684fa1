"""One training with recorder, detector and checkpoints, for `train` and for each run of a study."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from diagnostics.detect.findings import Diagnosis
from diagnostics.errors import DiagnosticsError
from diagnostics.files import make_folder
from diagnostics.record.options import DEFAULT_RECORDING, RecordingOptions
from diagnostics.record.recorder import Recorder
from diagnostics.signals import EndsBetweenSteps
from lenet.data import Dataset, load_dataset
from lenet.errors import SettingsError
from lenet.hooks import Hook
from lenet.model import Model
from lenet.settings import Settings

HookMaker = Callable[[Recorder], Sequence[Hook]]


@dataclass(frozen=True)
class TrainingResult:
    """How one training ended, and its diagnosis.

    settings: the settings of the run.
    path: its log; None where nothing was logged, and where the log was removed or replaced during the training.
    status: completed, stopped by a hook, or interrupted.
    diagnosis: the diagnosis of the steps that were made.
    model: the model after its last step.
    log_failure: why the log stopped before the run ended, or is lost; None where neither is so.
    interruption: the KeyboardInterrupt or SystemExit that ended an interrupted run; None for any other.
    """

    settings: Settings
    path: Path | None
    status: str
    diagnosis: Diagnosis
    model: Model
    log_failure: str | None = None
    interruption: BaseException | None = None


def default_path(settings: Settings, folder: Path = Path("runs")) -> Path:
    """``runs/<network>-seed<seed>-<UTC time>.h5``, a name that no other run has. The folder is made.

    Raises LogWriteError where the folder cannot be made.
    """
    make_folder(folder)
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3] + "Z"
    return folder / f"{settings.network}-seed{settings.seed}-{now}.h5"


def run_training(
    settings: Settings,
    path: Path | None,
    recording: RecordingOptions = DEFAULT_RECORDING,
    *,
    dataset: Dataset | None = None,
    resume: bool = False,
    extend: bool = False,
    print_every: int = 0,
    hooks: HookMaker | None = None,
) -> TrainingResult:
    """Train once, with a recorder, and with validation after each epoch.

    settings: the settings of the run.
    path: its log; None judges the run without one.
    recording: how it is recorded.
    dataset: the data; None loads those that the settings name.
    resume: whether the run in the log is continued from its last checkpoint.
    extend: whether a run that has ended may be continued too, because the settings ask for more steps.
    print_every: steps of an epoch between printed lines; 0 prints none.
    hooks: makes further hooks from the recorder; None for no others.

    Ctrl-C and SIGTERM end the run between two steps. The result then holds the exception, and the
    caller raises it. Before the first step they are raised here. Raises LenetError and
    DiagnosticsError with a message of one line.
    """
    data = dataset or load_dataset(settings.data, settings.limit)
    model = build(settings, data)
    recorder = Recorder(
        path,
        settings=settings.to_dict(),
        environment={"data": data.name, "data_checksum": data.checksum},
        model=model,
        **vars(recording),
    )
    if resume:
        recorder.resume(model, extend=extend)
    interruption: BaseException | None = None
    try:
        with EndsBetweenSteps() as guard:
            model.train(
                data.X_train,
                data.y_train,
                epochs=settings.epochs,
                batch_size=settings.batch_size,
                print_every=print_every,
                hooks=[recorder, *(hooks(recorder) if hooks else ()), guard],
                validation_data=(data.X_test, data.y_test),
                shuffle=settings.shuffle,
                steps=settings.steps,
            )
    except (KeyboardInterrupt, SystemExit) as error:
        if recorder.diagnosis is None:
            raise
        interruption = error
    if recorder.diagnosis is None:
        raise DiagnosticsError("the run ended without a diagnosis")
    status = "interrupted" if interruption else model.run_end.status
    log = None if recorder.log_is_lost else recorder.path
    return TrainingResult(settings, log, status, recorder.diagnosis, model, recorder.log_failure, interruption)


def build(settings: Settings, data: Dataset) -> Model:
    """The model of ``settings`` for these data."""
    if data.classes > 10:
        raise SettingsError(f"{data.name}: found labels up to {data.classes - 1}, expected at most 9")
    image = data.X_train.shape[1:4]
    return settings.build_model(samples=len(data.X_train), image=(image[0], image[1], image[2]))


def with_next_seed(settings: Settings) -> Settings:
    """The paper's "restart the model!": the same settings with the next seed."""
    return replace(settings, seed=settings.seed + 1)
