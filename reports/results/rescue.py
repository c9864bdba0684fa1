"""What would have saved natural deaths, and whether the first link of the chain was their cause."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from matplotlib.figure import Figure
from scipy.stats import binom

from diagnostics.errors import DamagedFileError
from diagnostics.rescue.death_study import ORDERS, POINT_ORDERS, SAME_RATE, TREATMENTS
from diagnostics.rescue.evidence import LEVEL
from diagnostics.rescue.natural_deaths import POPULATIONS
from diagnostics.rescue.over_deaths import (
    StudiedDeath,
    against_placebo,
    deaths_of,
    died_from,
    share_lived,
    treatments,
)
from diagnostics.rescue.plan import BUT_FOR, CONTROL, SWAPPED
from diagnostics.rescue.study_tables import StudyTables
from diagnostics.statistics.intervals import mcnemar
from reports.figures.deaths import arms_over_deaths_figure, no_return_over_deaths_figure
from reports.results.cells import p_value
from reports.results.study_numbers import Numbers
from reports.text.numbers import NONE, counted, percent

NAMES = {"exact": "the exact convolution", "report": "the paper's own convolution", "": "both together"}
TITLES = {CONTROL: "no change", **{one.key: one.title for one in TREATMENTS}, SAME_RATE: "learning rate x 1.0000001"}
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


def prepare(numbers: Numbers) -> dict[str, Any]:
    """What the template prints."""
    every = numbers["populations"][-1]
    return {
        "study": numbers["study"],
        "power": numbers["power"],
        "populations": [{**one, **_told(one)} for one in numbers["populations"][:-1]],
        "all": {**every, **_told(every)},
        "titles": TITLES,
        "agreement": numbers["agreement"],
        "agreement_rows": [_agreement_row(one) for one in numbers["agreement"] or ()],
        "pictures": numbers["pictures"],
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
    """The middle and the ends of some steps; None without any."""
    return {"n": len(values), "median": median(values), "low": min(values), "high": max(values)} if values else None


def _counts(values: Sequence[str]) -> dict[str, int]:
    return {value: values.count(value) for value in dict.fromkeys(values)}


def _power() -> Numbers:
    """How much luck the control may have for an arm that saves all to be proven, and how likely that is."""
    most = max(k for k in range(ORDERS) if mcnemar(ORDERS - k, 0) * len(ARMS) < LEVEL)
    return {"most_lived": most, "by_luck": [{"luck": q, "power": float(binom.cdf(most, ORDERS, q))} for q in LUCKS]}


def _agreement(deaths: Sequence[StudiedDeath], file: Path) -> list[Numbers] | None:
    """The arms that the page of the remedies has proven, beside what they did here; None without that page."""
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


def _agreement_row(one: Numbers) -> tuple[str, ...]:
    if not one["tried"]:
        return (one["label"], one["there"], NONE, NONE, "needs a new run")
    words = {True: "yes", False: "no", None: NONE}
    return (
        one["label"],
        one["there"],
        *(NONE if one[k] is None else str(one[k]) for k in ("saved", "lost")),
        words[one["same"]],
    )


def _told(one: Numbers) -> dict[str, Any]:
    """One population as the template prints it."""
    luck = one["luck"]
    arms = [
        (TITLES[CONTROL], _of(luck), _mean(luck), *[NONE] * 6),
        *(
            (
                TITLES[arm["arm"]],
                _of(arm["share"]),
                _mean(arm["share"]),
                str(arm["proven"]),
                str(arm["not_shown"]),
                str(arm["worse"]),
                str(arm["saved"]),
                str(arm["lost"]),
                p_value(arm["p"]),
            )
            for arm in one["treatments"]
        ),
    ]
    by_saved = sorted(one["treatments"], key=lambda arm: (-arm["proven"], -arm["share"]["count"]))
    remedies = [arm for arm in by_saved if arm["arm"] != SAME_RATE]
    return {
        "whose": NAMES[one["name"]],
        "luck_words": _words(luck),
        "luck_range": _range(luck),
        "arms": arms,
        "best": [
            f"{TITLES[arm['arm']]}: {_of(arm['share'])} branches lived; proven in {arm['proven']} of "
            f"{counted(one['deaths'], 'death')}"
            for arm in remedies
        ],
        "nothing": next((arm for arm in one["treatments"] if arm["arm"] == SAME_RATE), None),
        "first_link_words": _against_words(one["first_link"]),
        "batch_words": _against_words(one["batch"]),
        "at_the_first_link": [_against_row(words, one[key]) for words, key in _AT_THE_FIRST_LINK.items()],
        "moment_rows": [(moment["moment"], _of(moment), _mean(moment)) for moment in one["moments"]],
        "distances": {name: _distance(one["no_return"][name]) for name in EVENTS},
    }


_AT_THE_FIRST_LINK = {"its update left out": "first_link", "another batch": "batch"}


def _of(share: Mapping[str, Any]) -> str:
    return f"{share['count']} of {share['runs']}"


def _mean(share: Mapping[str, Any]) -> str:
    """The mean over deaths, with its interval where there is one: "33 % (20 to 46 %)"."""
    if share["interval"] is None:
        return percent(share["mean"], 0)
    low, high = share["interval"]
    return f"{percent(share['mean'], 0)} ({100 * low:.0f} to {percent(high, 0)})"


def _words(share: Mapping[str, Any]) -> str:
    return f"{_of(share)} branches, {_mean(share)} in the mean over deaths"


def _range(share: Mapping[str, Any]) -> str:
    values = share["by_death"]
    return f"{percent(min(values), 0)} to {percent(max(values), 0)}" if values else NONE


def _difference(one: Numbers) -> str:
    if one["difference"] is None:
        return NONE
    words = f"{100 * one['difference']:+.0f}"
    if one["interval"] is None:
        return words
    low, high = one["interval"]
    return f"{words} ({100 * low:+.0f} to {100 * high:+.0f})"


def _against_row(words: str, one: Numbers) -> tuple[str, ...]:
    return (
        words,
        str(one["deaths"]),
        _of(one["share"]),
        _mean(one["share"]),
        _of(one["placebo"]),
        _mean(one["placebo"]),
        _difference(one),
        p_value(one["p"]) if one["deaths"] else NONE,
    )


def _against_words(one: Numbers) -> str:
    """What was done at the first link, against its placebo; "" without deaths that have one."""
    if not one["deaths"]:
        return ""
    return (
        f"{_of(one['share'])} lived, and {_of(one['placebo'])} where the same was done at one of the steps before; the "
        f"difference is {_difference(one)} points in the mean over {counted(one['deaths'], 'death')}, "
        f"p {p_value(one['p'])}"
    )


def _distance(one: Numbers | None) -> str:
    """Steps after an event: "4 (from -2 to 20, 12 deaths)"."""
    if one is None:
        return NONE
    return f"{one['median']:+g} ({one['low']:+d} to {one['high']:+d}, {counted(one['n'], 'death')})"
