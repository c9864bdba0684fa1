"""The live view as lines of text: made for 24 lines of 80 characters, and fitted to other sizes."""

from __future__ import annotations

import math

import numpy as np
from rich.text import Text

from reports.terminal.braille import plot, trend
from reports.terminal.history import Array, Curve
from reports.terminal.output import shown
from reports.terminal.state import LayerLine, LiveState
from reports.text.numbers import number, percent

TONES = {"good": "bold green", "bad": "bold red", "warn": "bold yellow", "plain": "bold"}
MARK = "!"
NAME, VALUE = 9, 9
MOST_PLOT_ROWS = 16


def lines(state: LiveState, width: int, height: int, plain: bool = False) -> list[Text]:
    """At most ``height`` lines of at most ``width`` characters; the least important lines are left out first."""
    head = [_title(state, width, plain), Text(state.settings, style="dim"), _progress(state, width, plain)]
    verdict = _verdict(state)
    layers = _layers(state, width, plain)
    room = height - len(head) - len(verdict)
    if room < 0:
        return _cut([*verdict, *head][:height], width, plain)
    shown_layers = layers if len(layers) <= room else layers[:room]
    room -= len(shown_layers)
    stacked = width < 56 and state.has_accuracy
    plots_need = 2 * 4 if stacked else 4
    plot_rows = 0
    if room >= plots_need:
        events_want = min(len(state.events), 4 if height < 40 else 12)
        spare = max(room - events_want, plots_need)
        plot_rows = min(spare // 2 - 1 if stacked else spare - 1, MOST_PLOT_ROWS)
    plots = _plots(state, width, plot_rows, stacked, plain) if plot_rows >= 3 else []
    room -= len(plots)
    events = [Text(f"  {event}") for event in state.events[-room:]] if room > 0 else []
    return _cut([*head, *plots, *shown_layers, *verdict, *events], width, plain)


def _cut(rows: list[Text], width: int, plain: bool) -> list[Text]:
    rows = [row if shown(row.plain) == row.plain else Text(shown(row.plain), row.style) for row in rows]
    for row in rows:
        row.no_wrap = True
        if row.cell_len > width:
            _shorten(row, width, plain)
    return rows


def _shorten(row: Text, width: int, plain: bool) -> None:
    """End a row after the last whole word that fits, with an ellipsis; one word that fills half of it is cut."""
    mark = "" if plain else "…"
    end = row.plain.rfind(" ", 0, width - len(mark))
    if end < width // 2:
        row.truncate(width, overflow="crop" if plain else "ellipsis")
    else:
        row.truncate(end)
        row.append(mark)


def _title(state: LiveState, width: int, plain: bool) -> Text:
    status = state.status
    left = f"lenet-diag  {state.title}"
    room = max(width - len(status) - 1, 0)
    if len(left) > room:
        left = left[: room - 1] + "…" if room > 12 and not plain else left[:room]
    text = Text(left.ljust(room) + " ", style="bold")
    text.append(status, style="bold red" if state.status in ("failed", "writer gone") else "bold")
    return text


def _progress(state: LiveState, width: int, plain: bool) -> Text:
    done = min(state.steps / state.total, 1.0) if state.total else 0.0
    words = f" {done:4.0%}  step {state.steps:,}/{state.total:,}  epoch {state.epoch}/{state.epochs}"
    if not state.total:
        words = f" step {state.steps:,}"
    if state.rate:
        words += f"  {number(state.rate)} steps/s"
    if state.seconds_left is not None:
        words += f"  {clock(state.seconds_left)} left"
    bar = max(min(width - len(words), 60), 0)
    if bar < 8:
        return Text(words.strip())
    full = round(bar * done)
    text = Text(("#" if plain else "█") * full, style="blue")
    text.append(("-" if plain else "░") * (bar - full), style="dim")
    text.append(words)
    return text


def clock(seconds: float) -> str:
    """Seconds as minutes and seconds, or hours and minutes."""
    whole = max(math.ceil(seconds), 0)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 60}:{whole % 60:02d}"


def _plots(state: LiveState, width: int, rows: int, stacked: bool, plain: bool) -> list[Text]:
    """Loss and, where it is recorded, accuracy over all planned steps; the level of guessing is named on its line."""
    half = width if stacked or not state.has_accuracy else (width - 2) // 2
    # With one class the loss of guessing is 0.
    top = 1.5 * state.guess_loss if math.isfinite(state.guess_loss) and state.guess_loss > 0 else 1.0
    loss = _plot(
        f"loss {number(state.loss)}", state.loss_curve, half, rows, top, state.guess_loss, plain, number(top, 2)
    )
    if not state.has_accuracy:
        return loss
    accuracy = _plot(
        f"accuracy {percent(state.accuracy)}", state.accuracy_curve, half, rows, 1.0, state.guess_accuracy, plain, "1"
    )
    if stacked:
        return [*loss, *accuracy]
    joined = []
    for left, right in zip(loss, accuracy, strict=True):
        left.pad_right(max(half - left.cell_len, 0) + 2)
        joined.append(Text.assemble(left, right))
    return joined


def _plot(
    title: str, curve: Curve, width: int, rows: int, top: float, guess: float, plain: bool, top_label: str
) -> list[Text]:
    margin = 5
    body = plot(curve, width - margin, rows, 0.0, top, plain)
    level = int((top - guess) / top * rows) if math.isfinite(guess) and 0 <= guess <= top else -1
    made = [Text(title, style="bold")]
    for i, row in enumerate(body):
        label = top_label if i == 0 else "0" if i == rows - 1 else "guess" if i == level else ""
        text = Text(f"{label:>{margin}}"[:margin], style="dim")
        if i == level:
            dash = "-" if plain else "┈"
            for part in _parts(row):
                text.append(part.replace(" ", dash), style="dim" if part.isspace() else "cyan")
        else:
            text.append(row, style="cyan")
        made.append(text)
    return made


def _parts(row: str) -> list[str]:
    """The parts of a row, cut where blanks begin and end."""
    parts: list[str] = []
    for character in row:
        if parts and parts[-1].isspace() == character.isspace():
            parts[-1] += character
        else:
            parts.append(character)
    return parts


def _layers(state: LiveState, width: int, plain: bool) -> list[Text]:
    """A heading and a line a layer: gradient norm, update ratio, share silent, each with its trend."""
    if not state.layers:
        return []
    room = width - (NAME + 2) - 3 * (VALUE + 2) + 1  # mark and name, then values with a blank on both sides
    each = min(max(room // 3, 0), 24)
    each = each if each >= 4 else 0
    cell = VALUE + (each + 1 if each else 0)
    titles = ("gradient", "update", "silent") if cell < 14 else ("gradient norm", "update/weight", "units silent")
    heading = "  " + "layer".ljust(NAME) + "".join(f" {t:<{cell}}"[: cell + 1] for t in titles)
    return [Text(heading.rstrip(), style="dim"), *(_layer(line, each, plain) for line in state.layers)]


def _layer(line: LayerLine, each: int, plain: bool) -> Text:
    fired = bool(line.suspicion)
    text = Text(f"{MARK if fired else ' '} {line.name:<{NAME}}"[: NAME + 2], style="bold red" if fired else "")
    for value, course, log in (
        (number(line.gradient), line.gradient_trend, True),
        (number(line.ratio), line.ratio_trend, True),
        (percent(line.dead, 0), line.dead_trend, False),
    ):
        text.append(f" {value:<{VALUE}}"[: VALUE + 1])
        if each:
            text.append(_trend(course, each, log, plain), style="cyan")
            text.append(" ")
    text.rstrip()
    return text


def _trend(course: Array, width: int, log: bool, plain: bool) -> str:
    """A trend: shares from 0 to 1, all else logarithmic from its smallest to its largest value, at least one decade."""
    if not log:
        return trend(course, width, 0.0, 1.0, plain)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.where(course > 0, np.log10(course), np.where(course == 0, -np.inf, np.nan))
    known = size[np.isfinite(size)]
    if not len(known):
        return " " * width
    low, high = float(known.min()), float(known.max())
    size = np.where(np.isneginf(size), low, size)
    return trend(size, width, min(low, high - 1.0), high, plain)


def _verdict(state: LiveState) -> list[Text]:
    rows = []
    if state.verdict:
        label = "so far: " if state.status == "running" else "verdict: "
        rows.append(Text.assemble(label, (state.verdict, TONES[state.tone])))
    suspicions = [f"{MARK} {la.name}: {la.suspicion}" for la in state.layers if la.suspicion]
    rows += [Text(s, style="red") for s in suspicions[:2]]
    if state.note:
        rows.append(Text(state.note, style="bold yellow"))
    return rows
