"""Draws the ready figures of a run that died, for the page that documents them.

python -m docs.pictures RUN.h5

The pictures go into docs/images; their titles and words go into docs/images/ready-figures.json, from which
`make docs` writes docs/ready-figures.md. The committed ones are of `lenet-diag train --seed 1 --out dead.h5`.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from diagnostics import open_run
from diagnostics.replay import replay
from diagnostics.replay.opened import open_origin
from diagnostics.run.plots import RunPlots
from diagnostics.run.run import Run
from reports.figures import chain, heatmap, loss, step_batch, step_line, step_movement, step_units, style
from reports.figures.catalogue import CaptionedFigure

IMAGES = Path(__file__).parent / "images"
WORDS = IMAGES / "ready-figures.json"
ABOUT = """# Ready figures

`run.plot()` draws the figure that says most of a run: the chain of events of one that died, else loss and accuracy.
Each figure of the report can be had alone. What comes back is a matplotlib `Figure`: a notebook shows it,
`figure.savefig("loss.png")` keeps it, and `figure.axes` can be drawn on.

```python
from diagnostics import open_run

run = open_run("dead.h5")
figure = run.plot()
figure.savefig("dead.png")
page = run.report("dead.report")  # the whole report: report.html and all figures as PNG
```

The pictures below are of `lenet-diag train --seed 1`. `python -m docs.pictures RUN.h5` draws them.
"""


@dataclass(frozen=True)
class DocumentedFigure:
    """A ready figure as the page shows it.

    method: the method of :class:`RunPlots`.
    call: how it is called.
    image: the name of its picture.
    captioned: the figure with its words.
    """

    method: str
    call: str
    image: str
    captioned: CaptionedFigure


def ready_figures(run: Run) -> Iterator[DocumentedFigure]:
    """The ready figures of a run that died and can be replayed."""
    of_run = (
        ("loss", loss, "loss-and-accuracy"),
        ("chain", chain, "chain-of-events"),
        ("layers", heatmap, "all-layers"),
    )
    for method, module, image in of_run:
        yield DocumentedFigure(method, f"run.plot.{method}()", image, next(module.captioned(run)))  # type: ignore[attr-defined]
    opened = open_origin(replay(run))
    of_origin = (
        ("", step_line, "along-the-step"),
        ('"batch"', step_batch, "step-batch"),
        ('"units"', step_units, "step-units"),
        ('"movement"', step_movement, "step-movement"),
    )
    for show, origin, image in of_origin:
        yield DocumentedFigure("origin", f"run.plot.origin({show})", image, next(origin.captioned(opened)))  # type: ignore[attr-defined]


def draw(run: Run) -> None:
    """Write the pictures and their words."""
    words = []
    for one in ready_figures(run):
        (IMAGES / f"{one.image}.png").write_bytes(style.png(one.captioned.figure))
        told = {name: getattr(one.captioned, name) for name in ("title", "alt", "caption")}
        words.append({"method": one.method, "call": one.call, "image": one.image, **told})
    WORDS.write_text(json.dumps(words, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def page() -> str:
    """docs/ready-figures.md: what each figure shows, by its docstring, its picture, and how to read it."""
    parts, told = [ABOUT], set()
    for one in json.loads(WORDS.read_text(encoding="utf-8")):
        parts.append(f"## `{one['call']}`\n")
        if one["method"] not in told:
            parts.append(_answer(one["method"]) + "\n")
        told.add(one["method"])
        parts.append(f"![{one['alt']}](images/{one['image']}.png)\n\n{one['title']}. {one['caption']}\n")
    return "\n".join(parts)


def _answer(method: str) -> str:
    """The first paragraph of a method's docstring."""
    return " ".join((inspect.getdoc(getattr(RunPlots, method)) or "").split("\n\n")[0].split())


if __name__ == "__main__":
    draw(open_run(sys.argv[1]))
