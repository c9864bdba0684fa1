"""Writes the sample log of this version of the format: `python -m tests.helpers.sample_log`.

Samples are made once for every version, when it is declared, and stay as they are.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from diagnostics.detect.detector import DEFAULT_THRESHOLDS
from diagnostics.detect.symptoms import window_of
from diagnostics.log.writer import LogWriter
from diagnostics.schema.header import Header
from diagnostics.schema.rollback import Rollback
from diagnostics.schema.tables import DIGESTS, VERSION
from tests.helpers.log_writers import INFO, row, snapshot

SAMPLES = Path(__file__).resolve().parents[1] / "diagnostics" / "samples"
ROWS = 70
UNDONE = 5
THRESHOLDS = DEFAULT_THRESHOLDS.changed({"verdict.window_samples": 100, "verdict.patience": 60})


def write_sample(path: Path) -> None:
    """A log with rows, events, snapshots, a digest, a rollback, and thresholds that are not the defaults."""
    info = replace(INFO, thresholds=dict(THRESHOLDS), window=window_of(THRESHOLDS, INFO.batch_size))
    log = LogWriter(path, Header(info, on_defect="rollback half-rate"))
    _write(log, range(UNDONE))
    log.turn_back(Rollback(2, UNDONE - 1, "never-learned", 0, "half-rate", "lr", 0.25, None, "step-00000002.npz"))
    _write(log, range(2, ROWS))
    log.add(DIGESTS, step=50, file="f" * 64, parameters="0" * 64)
    log.close("completed")


def _write(log: LogWriter, steps: range) -> None:
    for step in steps:
        log.row(step, 1, row(step))
        if step % 50 == 0:
            log.event(step, "rule", f"event {step}")
            log.snapshot(step, False, snapshot(step))


if __name__ == "__main__":
    write_sample(SAMPLES / f"log-{VERSION[0]}.{VERSION[1]}.h5")
