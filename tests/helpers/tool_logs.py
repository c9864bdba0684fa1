"""Logs as other tools write them, of runs made up of numbers; each writer follows the documentation of its tool."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

PER_EPOCH = 100


def curve(steps: int = 300, dies_at: int | None = 200, batch: int = 128, seed: int = 0) -> pd.DataFrame:
    """Step, epoch (from 1), loss and accuracy of a run over ten classes that learns, and may collapse."""
    generator = np.random.default_rng(seed)
    step = np.arange(steps)
    alive = step < (steps if dies_at is None else dies_at)
    loss = np.where(alive, 2.2 * np.exp(-step / 20) + 0.15, math.log(10)) * (1 + 0.01 * generator.normal(size=steps))
    share = np.where(alive, 0.95 - 0.85 * np.exp(-step / 20), 0.1)
    accuracy = generator.binomial(batch, share) / batch
    return pd.DataFrame({"step": step, "epoch": 1 + step // PER_EPOCH, "loss": loss, "accuracy": accuracy})


def write_csv(path: Path, run: pd.DataFrame) -> Path:
    run.to_csv(path, index=False)
    return path


def write_csv_gz(path: Path, run: pd.DataFrame) -> Path:
    path.write_bytes(gzip.compress(run.to_csv(index=False).encode()))
    return path


def write_json_lines(path: Path, run: pd.DataFrame) -> Path:
    rows = run.rename(columns={"step": "_step", "loss": "train/loss", "accuracy": "train/acc"}).to_dict("records")
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def write_parquet(path: Path, run: pd.DataFrame) -> Path:
    run.to_parquet(path)
    return path


def write_lightning(path: Path, run: pd.DataFrame) -> Path:
    """CSVLogger: a row for what is logged at a step, and one for what is logged at the end of the epoch."""
    rows = []
    for row in run.itertuples():
        rows.append(
            {"epoch": row.epoch - 1, "step": row.step, "train_loss_step": row.loss, "train_acc_step": row.accuracy}
        )
        if row.step % PER_EPOCH == PER_EPOCH - 1:
            mine = run[run.epoch == row.epoch]
            rows.append({"epoch": row.epoch - 1, "step": row.step, "train_loss_epoch": mine.loss.mean()})
            rows.append({"epoch": row.epoch - 1, "step": row.step, "val_loss": row.loss, "val_acc": row.accuracy})
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def write_keras_csv(path: Path, run: pd.DataFrame) -> Path:
    """CSVLogger: a row an epoch, with means."""
    means = run.groupby("epoch", as_index=False)[["accuracy", "loss"]].mean()
    means["epoch"] -= 1
    means["val_accuracy"], means["val_loss"] = means["accuracy"], means["loss"]
    means.to_csv(path, index=False)
    return path


def running(run: pd.DataFrame) -> pd.DataFrame:
    """The means since the beginning of the epoch, with four digits, and the place in the epoch from 0."""
    place = run.groupby("epoch").cumcount()
    means = {name: (run.groupby("epoch")[name].cumsum() / (place + 1)).round(4) for name in ("loss", "accuracy")}
    return pd.DataFrame({"epoch": run.epoch, "batch": place, **means})


def write_keras_progress(path: Path, run: pd.DataFrame) -> Path:
    """What fit prints to a terminal, saved: the line of an epoch is written over and over."""
    text, last = "", run.epoch.max()
    for epoch, rows in running(run).groupby("epoch"):
        text += f"Epoch {epoch}/{last}\n"
        for row in rows[(rows.batch % 7 == 6) | (rows.batch == PER_EPOCH - 1)].itertuples():
            bar = "\x1b[32m━━━━━\x1b[0m\x1b[37m━━\x1b[0m"
            text += f"\r\x1b[1m{row.batch + 1}/{PER_EPOCH}\x1b[0m {bar} \x1b[1m0s\x1b[0m 9ms/step"
            text += f" - accuracy: {row.accuracy:.4f} - loss: {row.loss:.4f}"
        text += f" - val_accuracy: {row.accuracy:.4f} - val_loss: {row.loss:.4f}\n"
    path.write_text(text)
    return path


def write_trainer_state(path: Path, run: pd.DataFrame, every: int = 5) -> Path:
    """trainer_state.json: losses are means over ``logging_steps`` steps, which count from 1."""
    history: list[dict[str, float]] = []
    for end in range(every, len(run) + 1, every):
        mean = float(run.loss[end - every : end].mean())
        history.append({"epoch": end / PER_EPOCH, "grad_norm": 1.0, "learning_rate": 5e-5, "loss": mean, "step": end})
        if end % PER_EPOCH == 0:
            history.append({"epoch": end / PER_EPOCH, "eval_loss": mean, "eval_accuracy": 0.5, "step": end})
    history.append({"epoch": 3.0, "step": len(run), "train_loss": 1.0, "train_runtime": 12.0})
    path.write_text(json.dumps({"global_step": len(run), "train_batch_size": 32, "log_history": history}, indent=2))
    return path


def write_wandb_csv(path: Path, run: pd.DataFrame) -> Path:
    """A chart of Weights & Biases as it is exported: one column a run and metric, with the extremes of each."""
    name = "sunny-dawn-3 - train/"
    columns = {"Step": run.step}
    for metric in ("loss", "accuracy"):
        for edge in ("", "__MIN", "__MAX"):
            columns[f"{name}{metric}{edge}"] = run[metric]
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


def write_printed(path: Path, run: pd.DataFrame) -> Path:
    """What PyTorch's ImageNet example prints: in parentheses the means of the epoch; a test at its end."""
    text = "=> creating model 'resnet18'\n"
    for row, mean in zip(run.itertuples(), running(run).itertuples(), strict=True):
        text += f"Epoch: [{row.epoch - 1}][{mean.batch:3}/{PER_EPOCH}]\tTime  0.123 ( 0.321)"
        text += (
            f"\tLoss {row.loss:.4e} ({mean.loss:.4e})\tAcc@1 {100 * row.accuracy:6.2f} ({100 * mean.accuracy:6.2f})\n"
        )
        if mean.batch == PER_EPOCH - 1:
            text += f"Test: [78/79]\tLoss 9.9000e+00 ({row.loss:.4e})\tAcc@1   0.00 ( 50.00)\n *   Acc@1 50.000\n"
    path.write_text(text)
    return path


def write_mmcv(path: Path, run: pd.DataFrame) -> Path:
    """mmcv's text logger: JSON lines, whose iterations begin anew in each epoch, with validations among them."""
    lines: list[dict[str, object]] = [{"env_info": "sys.platform: linux", "seed": 0}]
    for row in run.itertuples():
        place = {"epoch": row.epoch, "iter": row.step % PER_EPOCH + 1, "lr": 0.1}
        lines.append({"mode": "train", **place, "top1_acc": row.accuracy, "loss": row.loss, "time": 0.1})
        if place["iter"] == PER_EPOCH:
            lines.append({"mode": "val", **place, "accuracy_top-1": 50.0, "accuracy_top-5": 90.0})
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


def write_history(path: Path, run: pd.DataFrame) -> Path:
    """Keras' History.history as JSON: lists with a mean an epoch."""
    means = run.groupby("epoch")[["loss", "accuracy"]].mean()
    path.write_text(json.dumps({name: means[name].tolist() for name in means}))
    return path


def write_notebook(path: Path, run: pd.DataFrame) -> Path:
    """A notebook that was saved after its second cell had printed a line a step."""
    lines = [f"step {row.step} loss {row.loss:.4f} acc {row.accuracy:.4f}\n" for row in run.itertuples()]
    outputs = [{"output_type": "stream", "name": "stdout", "text": lines}]
    cells = [{"cell_type": "markdown", "source": ["# Run"]}, {"cell_type": "code", "outputs": outputs}]
    path.write_text(json.dumps({"cells": cells, "nbformat": 4}, indent=1))
    return path


WRITERS: dict[str, tuple[str, Callable[[Path, pd.DataFrame], Path]]] = {
    "CSV": ("run.csv", write_csv),
    "CSV, gzip": ("run.csv.gz", write_csv_gz),
    "JSON lines": ("run.jsonl", write_json_lines),
    "Parquet": ("run.parquet", write_parquet),
    "Lightning": ("metrics.csv", write_lightning),
    "Keras CSVLogger": ("training.csv", write_keras_csv),
    "Keras progress": ("fit.txt", write_keras_progress),
    "trainer state": ("trainer_state.json", write_trainer_state),
    "Weights & Biases": ("wandb_export.csv", write_wandb_csv),
    "printed text": ("train.log", write_printed),
    "mmcv": ("20210601.log.json", write_mmcv),
    "history": ("history.json", write_history),
    "notebook": ("run.ipynb", write_notebook),
}
"""By name: how the tool calls its file, and what writes it."""
