"""The tables and arrays of a log, declared: path, fields, types, units and meanings.

Writer, reader, repair, ``lenet-diag schema`` and ``docs/log-format.md`` all take
names and types from here. No other file names a path inside the HDF5 file. The
attributes are declared in :mod:`diagnostics.schema.header`, the measures that a row
holds in :mod:`diagnostics.schema.measures`.

A log of another major version is refused. A newer minor version may only add:
1.1 added the attribute ``checkpoint_every``, 1.2 ``window``, ``thresholds`` and the table ``digests``, 1.3 the table
``rollbacks``, the attribute ``rows`` and logs of imported runs, which have no more columns, tensors and layers than
their files, 1.4 the attribute ``task``.
"""

from __future__ import annotations

from diagnostics.schema.datasets import CRC, Array, Field, Table

FORMAT = "lenet-diag log"
VERSION = (1, 4)
BINS = 32
FLUSH_ROWS = 64

TENSORS = Table(
    "layout/tensors",
    "the parameter tensors, in the order of the network",
    64,
    (
        Field("layer", "S64", "", "name of the layer"),
        Field("tensor", "S16", "", "weights or biases"),
        Field("ndim", "<i4", "", "number of axes"),
        Field("shape", "8<i8", "", "(kh, kw, C_in, C_out) or (inputs, neurons) or (units,), then zeros"),
        Field("offset", "<i8", "entries", "where the tensor starts in the flat parameter buffer"),
        Field("size", "<i8", "entries", "number of entries"),
        CRC,
    ),
    most=4_000,
)

LAYERS = Table(
    "layout/layers",
    "the trainable layers, whose outputs are measured, in order",
    64,
    (
        Field("name", "S64", "", "name of the layer"),
        Field("kind", "S64", "", "its class"),
        Field("activation", "S32", "", "the function after it; empty where there is none"),
        Field("ndim", "<i4", "", "number of axes of the output of one sample"),
        Field("shape", "8<i8", "", "(H, W, C) or (F,), then zeros"),
        Field("units", "<i8", "units", "channels or neurons"),
        CRC,
    ),
    most=2_000,
)

COLUMNS = Table(
    "layout/columns",
    "the columns of steps/values, in order",
    256,
    (
        Field("name", "S160", "", "layer/tensor/kind/statistic, as far as they apply"),
        Field("group", "S16", "", "scalar, tensor or activation"),
        Field("layer", "S64", "", "layer, or empty"),
        Field("tensor", "S16", "", "weights, biases, or empty"),
        Field("kind", "S16", "", "value, gradient, update, or empty"),
        Field("statistic", "S32", "", "what is measured"),
        Field("unit", "S16", "", "its unit"),
        CRC,
    ),
    most=200_000,
)

VALUES = Array(
    "steps/values",
    "one row a recorded step: see layout/columns",
    FLUSH_ROWS,
    ("row", "column"),
    "<f4",
    "as layout/columns says",
)

INDEX = Table(
    "steps/index",
    "which step each row of steps/values belongs to",
    256,
    (
        Field("step", "<i8", "", "the step, counted from 0 over the whole run"),
        Field("wall", "<f8", "s since 1970", "when the row was made"),
        Field("epoch", "<i4", "", "the epoch, counted from 1"),
        Field(
            "crc",
            "<u4",
            "",
            "CRC-32 of the row of steps/values and of the fields above; the trusted "
            "rows are the longest prefix where it agrees",
        ),
    ),
    most=10_000_000,
)

EPOCHS = Table(
    "epochs",
    "one row a finished epoch",
    64,
    (
        Field("epoch", "<i4", "", "the epoch, counted from 1"),
        Field("first_step", "<i8", "", "its first step"),
        Field("last_step", "<i8", "", "its last step"),
        Field("wall", "<f8", "s since 1970", "when it ended"),
        Field("loss", "<f8", "nats", "mean training loss over its samples"),
        Field("accuracy", "<f8", "share", "training accuracy over its samples"),
        Field("learning_rate", "<f8", "1", "learning rate of its last step"),
        Field("seconds", "<f8", "s", "time it took, without that of the hooks"),
        CRC,
    ),
)

VALIDATIONS = Table(
    "validations",
    "one row a validation",
    64,
    (
        Field("epoch", "<i4", "", "the epoch it followed; -1 for a validation of the finished model"),
        Field("step", "<i8", "", "the last step before it"),
        Field("wall", "<f8", "s since 1970", "when it ended"),
        Field("loss", "<f8", "nats", "mean loss"),
        Field("accuracy", "<f8", "share", "accuracy"),
        Field("samples", "<i8", "samples", "size of the validation set; 0 where it is not known"),
        Field("seconds", "<f8", "s", "time it took"),
        CRC,
    ),
)

EVENT_KINDS = ("rule", "verdict", "validation", "checkpoint", "rollback", "resume", "interruption", "end")

EVENTS = Table(
    "events",
    "what happened and when: one row an event",
    64,
    (
        Field("step", "<i8", "", "the step at which it happened; at the end of the run, the number of steps"),
        Field("wall", "<f8", "s since 1970", "when it was noted"),
        Field("event", "S16", "", "one of " + ", ".join(EVENT_KINDS)),
        Field("rule", "S48", "", "the rule that fired, the verdict, or what interrupted the run; or empty"),
        Field("layer", "S64", "", "the layer, or empty"),
        Field("severity", "S16", "", "info, warning or error"),
        Field("value", "<f8", "", "the measured number; NaN where there is none"),
        Field("limit", "<f8", "", "the limit it was compared with; NaN where there is none"),
        Field("message", "S320", "", "a sentence for people (UTF-8)"),
        CRC,
    ),
)

CHECKPOINTS = Table(
    "checkpoints",
    "the checkpoints, listed after each was safe on disk",
    16,
    (
        Field("step", "<i8", "", "steps made when it was taken: the next step to do"),
        Field("wall", "<f8", "s since 1970", "when it was taken"),
        Field("file", "S160", "", "file name, in the folder NAME.checkpoints beside the log"),
        Field("bytes", "<i8", "bytes", "size of the file"),
        Field("healthy", "|u1", "", "1 if nothing was suspected when it was taken"),
        CRC,
    ),
)

DIGESTS = Table(
    "digests",
    "the digests of each checkpoint; since 1.2",
    16,
    (
        Field("step", "<i8", "", "steps made when it was taken: the next step to do"),
        Field("wall", "<f8", "s since 1970", "when it was taken"),
        Field("file", "S64", "", "SHA-256 of the checkpoint's file, as hex digits"),
        Field("parameters", "S64", "", "SHA-256 of all parameters before that step, as hex digits"),
        CRC,
    ),
    since=2,
)

SNAPSHOTS = Table(
    "snapshots/index",
    "which step each snapshot belongs to",
    64,
    (
        Field("step", "<i8", "", "the step"),
        Field("wall", "<f8", "s since 1970", "when it was made"),
        Field("extra", "|u1", "", "0 taken on schedule, 1 taken because a rule fired in a step before"),
        Field(
            "crc",
            "<u4",
            "",
            "CRC-32 of the snapshot's rows of counts, ranges, silent and kernels, in this "
            "order, and of the fields above",
        ),
    ),
    most=1_000_000,
)

COUNTS = Array(
    "snapshots/counts",
    f"histogram of each tensor: {BINS} equal bins between the ends of its finite entries",
    16,
    ("snapshot", "kind", "tensor", "bin"),
    "<u4",
    "entries",
)
RANGES = Array(
    "snapshots/ranges", "lower and upper end of each histogram", 16, ("snapshot", "kind", "tensor", "end"), "<f4", "1"
)
SILENT = Array(
    "snapshots/silent",
    "which units were 0 for the whole batch: the units of all layers, one after another",
    64,
    ("snapshot", "unit"),
    "|u1",
    "0 or 1",
)
KERNELS = Array(
    "snapshots/kernels",
    "the weights of the first convolution, flattened from (kh, kw, C_in, C_out); no entries without one",
    16,
    ("snapshot", "entry"),
    "<f4",
    "1",
)

SNAPSHOT_ARRAYS = (COUNTS, RANGES, SILENT, KERNELS)
LAYOUT_TABLES = (TENSORS, LAYERS, COLUMNS)
COUNTED = (INDEX, EPOCHS, VALIDATIONS, EVENTS, CHECKPOINTS, DIGESTS, SNAPSHOTS)
"""The tables that can hold rows of undone steps."""


def rows_of(table: Table) -> str:
    """The field of the table of rollbacks that counts the rows of ``table``."""
    return f"{table.path.split('/')[0]}_rows"


ROLLBACKS = Table(
    "rollbacks",
    "where the run was turned back. Of the rows that a table had by then, those of steps from `step` on are "
    "undone: they stay in the log and are no part of the run. The rows after them go on from `step`; since 1.3",
    16,
    (
        Field("step", "<i8", "", "the step that comes next: the state before it was restored"),
        Field("wall", "<f8", "s since 1970", "when it was turned back"),
        Field("last_step", "<i8", "", "the last step that was made before, which is undone"),
        Field("kind", "S16", "", "the defect that was undone: never-learned, collapsed or diverged"),
        Field("onset", "<i8", "", "its onset"),
        Field("remedy", "S48", "", "the key of the remedy"),
        Field("setting", "S16", "", "the setting that it changes"),
        Field("value", "<f8", "", "the value of that setting from there on"),
        Field("order_seed", "<i8", "", "the seed of the new order of the samples; -1 where the order stayed"),
        Field("file", "S160", "", "the checkpoint that was restored"),
        *(Field(rows_of(table), "<i8", "rows", f"rows that {table.path} had until then") for table in COUNTED),
        CRC,
    ),
    since=3,
    most=1_000,
)

GROWING_TABLES = (EPOCHS, VALIDATIONS, EVENTS, CHECKPOINTS, DIGESTS, ROLLBACKS)
ALL = (*LAYOUT_TABLES, VALUES, INDEX, *GROWING_TABLES, SNAPSHOTS, *SNAPSHOT_ARRAYS)
