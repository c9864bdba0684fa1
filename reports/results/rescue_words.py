"""The words of the page about rescues of natural deaths, from its numbers: what its template prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diagnostics.rescue.death_study import SAME_RATE, TREATMENTS
from diagnostics.rescue.evidence import LEVEL
from diagnostics.rescue.plan import CONTROL
from diagnostics.statistics.intervals import interval_words, wilson
from reports.results.cells import p_value, points
from reports.results.study_numbers import Numbers
from reports.text.numbers import NONE, counted, percent

NAMES = {"exact": "the exact convolution", "report": "the paper's own convolution", "": "both together"}
TITLES = {CONTROL: "no change", **{one.key: one.title for one in TREATMENTS}, SAME_RATE: "learning rate x 1.0000001"}


def prepare(numbers: Numbers) -> dict[str, Any]:
    """What the template prints."""
    every, orders = numbers["populations"][-1], numbers["study"]["point_orders"]
    return {
        "study": numbers["study"],
        "power": numbers["power"],
        "all_died": interval_words(wilson(orders, orders)),
        "populations": [{**one, **_told(one)} for one in numbers["populations"][:-1]],
        "all": {**every, **_told(every)},
        "titles": TITLES,
        "agreement": numbers["agreement"],
        "agreement_rows": [_agreement_row(one) for one in numbers["agreement"] or ()],
        "pictures": numbers["pictures"],
    }


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
        (TITLES[CONTROL], _of(luck), _mean(luck), *[NONE] * 7),
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
                p_value(arm["p_over_deaths"]),
            )
            for arm in one["treatments"]
        ),
    ]
    by_saved = sorted(one["treatments"], key=lambda arm: (-arm["proven"], -arm["share"]["count"]))
    remedies = [arm for arm in by_saved if arm["arm"] != SAME_RATE]
    nothing = next((arm for arm in one["treatments"] if arm["arm"] == SAME_RATE), None)
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
        "nothing": nothing,
        "nothing_p": NONE if nothing is None else p_value(nothing["p"]),
        "nothing_p_over_deaths": NONE if nothing is None else p_value(nothing["p_over_deaths"]),
        "over_pairs_alone": [
            f"{TITLES[arm['arm']]} (p {p_value(arm['p_over_deaths'])})"
            for arm in remedies
            if arm["p"] < LEVEL <= arm["p_over_deaths"]
        ],
        "first_link_words": _against_words(one["first_link"]),
        "first_link_is_worse": _is_worse(one["first_link"]),
        "batch_words": _against_words(one["batch"]),
        "at_the_first_link": [_against_row(words, one[key]) for words, key in _AT_THE_FIRST_LINK.items()],
        "moment_rows": [(moment["moment"], _of(moment), _mean(moment)) for moment in one["moments"]],
        "distances": {name: _distance(one["no_return"][name]) for name in one["no_return"] if name != "known"},
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
    return points(one["difference"], one["interval"] or (None, None), 0)


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


def _is_worse(one: Numbers) -> bool:
    """Whether fewer branches lived than after the placebo, by the whole interval of the difference."""
    return one["interval"] is not None and bool(one["interval"][1] < 0)


def _distance(one: Numbers | None) -> str:
    """Steps after an event: "4 (from -2 to 20, 12 deaths)"."""
    if one is None:
        return NONE
    return f"{one['median']:+g} ({one['low']:+d} to {one['high']:+d}, {counted(one['n'], 'death')})"
