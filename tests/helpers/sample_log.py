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
from diagnostics.schema.tables import DIGESTS, VERSION
from tests.helpers.log_writers import INFO, row, snapshot

SAMPLES = Path(__file__).resolve().parents[1] / "diagnostics" / "samples"
ROWS = 70
THRESHOLDS = DEFAULT_THRESHOLDS.changed({"verdict.window_samples": 100, "verdict.patience": 60})


def write_sample(path: Path) -> None:
    """A log with rows, events, snapshots, a digest, and thresholds that are not the defaults."""
    info = replace(INFO, thresholds=dict(THRESHOLDS), window=window_of(THRESHOLDS, INFO.batch_size))
    log = LogWriter(path, Header(info))
    for step in range(ROWS):
        log.row(step, 1, row(step))
        if step % 50 == 0:
            log.event(step, "rule", f"event {step}")
            log.snapshot(step, False, snapshot(step))
    log.add(DIGESTS, step=50, file="f" * 64, parameters="0" * 64)
    log.close("completed")


if __name__ == "__main__":
    write_sample(SAMPLES / f"log-{VERSION[0]}.{VERSION[1]}.h5")
