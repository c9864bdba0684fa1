"""What would have saved natural deaths, and whether the first link of the chain was their cause."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median

from matplotlib.figure import Figure
from scipy.stats import binom

from diagnostics.errors import DamagedFileError
from diagnostics.rescue.death_study import ORDERS, POINT_ORDERS, SAME_RATE, TREATMENTS
from diagnostics.rescue.evidence import most_by_luck
from diagnostics.rescue.fate import Fate
from diagnostics.rescue.natural_deaths import POPULATIONS
from diagnostics.rescue.over_deaths import StudiedDeath, against_placebo, deaths_of, died_from, share_lived, treatments
from diagnostics.rescue.plan import BUT_FOR, CONTROL, SWAPPED
from diagnostics.rescue.study_tables import StudyTables
from reports.figures.deaths import arms_over_deaths_figure, no_return_over_deaths_figure
from reports.results.rescue_words import TITLES
from reports.results.rescue_words import prepare as prepare
from reports.results.study_numbers import Numbers

ARMS = [*(one.key for one in TREATMENTS), SAME_RATE]
LUCKS = (0.2, 0.3, 0.4, 0.5)
MOMENTS: dict[str, Callable[[StudiedDeath], int]] = {
    "the earliest point tried": lambda death: min(death.points),
    "the first link": lambda death: death.first_link,
    "the blow": lambda death: death.blow,
    "the step after the blow": lambda death: min(death.blow + 1, death.confirmed),
    "the confirmation of the death": lambda death: death.confirmed,
}
"""Branch points that every death has, by what happened there."""
EVENTS: dict[str, Callable[[StudiedDeath], int]] = {
    "first_link": lambda death: death.first_link,
    "blow": lambda death: death.blow,
    "confirmed": lambda death: death.confirmed,
    "collapsed": lambda death: death.run.onset or 0,
}
"""From where the point of no return is counted; the last one, the onset, tells something of collapses only."""


def numbers(tables: StudyTables, page: Path) -> Numbers:
    """The numbers of the page, from the rows of the study and from the page of the remedies beside it."""
    names = [one.name for one in POPULATIONS]
    return {
        "preset": "rescue",
        "study": _study(tables, page.stem),
        "power": _power(),
        "populations": [_population(deaths_of(tables, name or None), name) for name in (*names, "")],
        "agreement": _agreement(deaths_of(tables, "exact"), page.with_name("remedies.json")),
    }


def figures(tables: StudyTables) -> dict[str, Figure | None]:
    """The arms with a dot a death, and the share that died by the moment a branch began."""
    deaths = deaths_of(tables)
    rows = [(title, share_lived(deaths, arm)) for arm, title in TITLES.items()]
    moments = [(title, died_from(deaths, step)) for title, step in MOMENTS.items()]
    return {
        "arms": arms_over_deaths_figure(rows) if deaths else None,
        "no-return": no_return_over_deaths_figure(moments) if deaths else None,
    }


def _study(tables: StudyTables, page: str) -> Numbers:
    rescued = [run for run in tables.runs if run.is_rescued]
    return {
        "page": page,
        "command": f"lenet-diag study --preset rescue --page docs/{page}.md",
        "orders": ORDERS,
        "point_orders": POINT_ORDERS,
        "arms": len(ARMS),
        "done": len(rescued),
        "asked": sum(one.deaths for one in POPULATIONS),
        "branches": len(tables.branches),
        "seeds": [
            {
                "name": one.name,
                "wanted": one.deaths,
                "tried": sum(run.population == one.name for run in tables.runs),
                "rescued": sum(run.population == one.name for run in rescued),
                "refused": [run.refused for run in tables.runs if run.population == one.name and run.refused],
                "verdicts": _counts([run.verdict for run in tables.runs if run.population == one.name]),
            }
            for one in POPULATIONS
        ],
        "commits": _counts([run.commit for run in rescued]),
        "machines": _counts([f"Python {run.python}, NumPy {run.numpy}, {run.blas}" for run in rescued]),
        "first": min((run.date for run in tables.runs), default=""),
        "last": max((run.date for run in tables.runs), default=""),
        "seconds": median([run.seconds for run in rescued if run.seconds is not None]) if rescued else None,
    }


def _population(deaths: Sequence[StudiedDeath], name: str) -> Numbers:
    found = [death.no_return for death in deaths]
    return {
        "name": name,
        "deaths": len(deaths),
        "reproduced": sum(death.is_reproduced for death in deaths),
        "provable": sum(
            [*death.fates[CONTROL].values()].count(Fate.ALIVE) <= most_by_luck(ORDERS, len(ARMS)) for death in deaths
        ),
        "luck": asdict(share_lived(deaths, CONTROL)),
        "treatments": [asdict(one) for one in treatments(deaths, ARMS)] if deaths else [],
        "first_link": _against(deaths, BUT_FOR),
        "batch": _against(deaths, SWAPPED),
        "moments": [
            {"moment": moment, **asdict(died_from(deaths, step))} for moment, step in MOMENTS.items() if deaths
        ],
        "no_return": {
            "known": sum(step is not None for step in found),
            **{
                event: _spread(
                    [
                        death.no_return - step(death)
                        for death in deaths
                        if death.no_return is not None and (event != "collapsed" or death.run.verdict == "collapsed")
                    ]
                )
                for event, step in EVENTS.items()
            },
        },
    }


def _against(deaths: Sequence[StudiedDeath], arm: str) -> Numbers:
    found = against_placebo(deaths, arm)
    return {**asdict(found), "is_better": found.is_better}


def _spread(values: Sequence[int]) -> Numbers | None:
    """The median, the smallest and the largest of some steps; None without any."""
    return {"n": len(values), "median": median(values), "low": min(values), "high": max(values)} if values else None


def _counts(values: Sequence[str]) -> dict[str, int]:
    return {value: values.count(value) for value in dict.fromkeys(values)}


def _power() -> Numbers:
    """The branches of the control that may live if an arm that saves all is to be proven, and the probability."""
    most = most_by_luck(ORDERS, len(ARMS))
    return {"most_lived": most, "by_luck": [{"luck": q, "power": float(binom.cdf(most, ORDERS, q))} for q in LUCKS]}


def _agreement(deaths: Sequence[StudiedDeath], file: Path) -> list[Numbers] | None:
    """The arms that the page of the remedies has proven, with their results here; None without that page."""
    try:
        families = json.loads(file.read_text(encoding="utf-8"))["families"]
        arms = next(one["arms"] for one in families if not one["is_report"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, StopIteration) as error:
        raise DamagedFileError(f"{file}: has no numbers of the remedies ({error})") from None
    here = {one.arm: one for one in treatments(deaths, ARMS)} if deaths else {}
    keys = {one.title: one.key for one in TREATMENTS}
    found = []
    for arm in arms:
        label, comparison = arm["label"], arm["comparison"]
        if comparison["effect"] not in ("helps", "hurts"):
            continue
        ours = here.get(keys.get(label, ""))
        found.append(
            {
                "label": label,
                "there": comparison["effect"],
                "tried": label in keys,
                "saved": ours.saved if ours else None,
                "lost": ours.lost if ours else None,
                "same": ((ours.saved > ours.lost) == (comparison["effect"] == "helps")) if ours else None,
            }
        )
    return found
