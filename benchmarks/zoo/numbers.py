"""Computes the numbers of the zoo's table from the judged runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.zoo.faults import FAULTS, QUIET_FAULTS
from benchmarks.zoo.groups import BEYOND
from benchmarks.zoo.judged import NATURAL, JudgedRun
from diagnostics.detect.rules import MECHANISMS
from diagnostics.statistics.intervals import wilson

NETWORKS = ("feedforward", "conv", "conv2", "conv-pool", "lenet")
WARNED_WITHIN, SOON = 200, 40
UNTOUCHED = (*NATURAL, "clean", *BEYOND)
FROZEN_NUMBERS = ("telling-loss", "constant-answer")


def share(k: int, n: int) -> dict[str, Any]:
    """k of n with Wilson's 95 % interval."""
    return {"k": k, "n": n, "share": k / n if n else None, "interval": wilson(k, n)}


def rates(runs: Sequence[JudgedRun]) -> dict[str, Any]:
    """Recall, precision and false alarms of runs with a clear label; ambiguous runs are counted apart."""
    dead = [one for one in runs if one.label == "dead"]
    alive = [one for one in runs if one.label == "alive"]
    hits, wrong = sum(one.is_defect for one in dead), sum(one.is_defect for one in alive)
    return {
        "recall": share(hits, len(dead)),
        "precision": share(hits, hits + wrong),
        "false_alarms": share(wrong, len(alive)),
        "alive_with_a_stretch": share(sum(bool(one.stretches) for one in alive), len(alive)),
        "ambiguous": sum(one.label == "ambiguous" for one in runs),
        "ambiguous_called_defect": sum(one.label == "ambiguous" and one.is_defect for one in runs),
    }


def spread(values: Sequence[float]) -> dict[str, Any]:
    """Median, 90th percentile, largest and number."""
    if not values:
        return {"n": 0, "median": None, "p90": None, "largest": None}
    array = np.asarray(values, dtype=np.float64)
    return {
        "n": len(array),
        "median": float(np.median(array)),
        "p90": float(np.percentile(array, 90)),
        "largest": float(array.max()),
    }


def summary(runs: Sequence[JudgedRun]) -> dict[str, Any]:
    """All numbers of the table."""
    natural = [one for one in runs if one.is_natural]
    listed = [one for one in runs if one.group == "clean"]
    clean = [one for one in listed if one.label == "alive"]
    faulty = [one for one in runs if one.truth is not None and one.group in FAULTS]
    quiet = [one for one in runs if one.group in QUIET_FAULTS]
    one_step = [one for one in faulty if one.truth and one.truth["is_one_step"]]
    stretches = [(one, s) for one in [*natural, *faulty] for s in one.stretches]
    seeds = [int(one.name.rsplit("-", 1)[1]) for one in runs]
    return {
        "judged": len(runs),
        "groups": dict(Counter(one.group for one in runs)),
        "first_seed": min(seeds, default=0),
        "last_seed": max(seeds, default=0),
        "missing": [group for group in ("own", *FAULTS) if all(one.group != group for one in runs)],
        "wrong": [
            {
                "name": one.name,
                "label": one.label,
                "accuracy": one.accuracies[-1],
                "verdict": one.verdict,
                "cause": one.cause,
            }
            for one in runs
            if one.is_wrong
        ],
        "natural": rates(natural),
        "natural_by_network": {name: rates([o for o in natural if o.network == name]) for name in NETWORKS},
        "natural_by_convolution": {
            name: rates([o for o in natural if o.convolution == name]) for name in ("exact", "report")
        },
        "natural_own": rates([o for o in natural if o.group == "own"]),
        "causes": dict(Counter(one.cause[0] if one.cause else "unexplained" for one in natural if one.is_defect)),
        "verdicts": {
            label: dict(Counter(one.verdict for one in natural if one.label == label))
            for label in ("dead", "alive", "ambiguous")
        },
        "unlearned": dict(Counter(one.verdict for one in natural if one.unlearned)),
        "clean": share(sum(bool(one.stretches) for one in clean), len(clean)),
        "clean_by_network": {
            name: share(
                sum(bool(o.stretches) for o in clean if o.network == name), sum(o.network == name for o in clean)
            )
            for name in NETWORKS
        },
        "clean_settings_that_failed": len(listed) - len(clean),
        "onset_error_one_step": spread([_onset_error(one) for one in one_step if one.onset is not None]),
        "delay_collapse": spread([s[2] - s[1] for _, s in stretches if s[0] == "collapsed"]),
        "delay_collapse_natural": spread([s[2] - s[1] for o, s in stretches if s[0] == "collapsed" and o.is_natural]),
        "collapses_soon": _soon([s for _, s in stretches]),
        "collapses_soon_natural": _soon([s for one, s in stretches if one.is_natural]),
        "recall_faulty": share(
            sum(o.label == "dead" and o.is_defect for o in faulty), sum(o.label == "dead" for o in faulty)
        ),
        "never_learned_confirmed": spread([s[2] for one, s in stretches if s[0] == "never-learned" and not one.truth]),
        "faults": {name: _fault([one for one in faulty if one.group == name]) for name in FAULTS},
        "cause_right": share(sum(o.mechanism_right and o.layer_right for o in faulty), len(faulty)),
        "quiet": {name: _fault([one for one in quiet if one.group == name]) for name in QUIET_FAULTS},
        "quiet_right": share(sum(o.mechanism_right and o.layer_right for o in quiet), len(quiet)),
        "beyond": {name: rates([one for one in runs if one.group == name]) for name in BEYOND},
        "beyond_verdicts": {
            name: dict(Counter(f"{one.label}: {one.verdict}" for one in runs if one.group == name)) for name in BEYOND
        },
        "contradictions": share(sum(one.is_contradictory for one in clean), len(clean)),
        "told_of_clean": dict(Counter(rule for one in clean for rule, _ in set(one.told))),
        "warnings": early_warnings(natural, clean),
        "signs": early_signs(runs),
        "rules": track_records(runs),
        "settings": setting_records(runs),
        "outcomes": outcome_counts(runs, clean),
        "stopping": stopping(runs),
        "trained_at": dict(Counter(one.trained_at for one in runs)),
        "judged_at": dict(Counter(one.judged_at for one in runs)),
    }


def _soon(stretches: Sequence[tuple[str, int, int, int | None]]) -> dict[str, Any]:
    """Collapses that were confirmed within the goal."""
    delays = [confirmed - onset for kind, onset, confirmed, _ in stretches if kind == "collapsed"]
    return share(sum(delay <= SOON for delay in delays), len(delays))


def _onset_error(one: JudgedRun) -> int:
    assert one.truth is not None
    assert one.onset is not None
    return abs(one.stretches[0][1] - int(one.truth["step"]))


def _fault(runs: Sequence[JudgedRun]) -> dict[str, Any]:
    return {
        "runs": len(runs),
        "labels": dict(Counter(one.label for one in runs)),
        "verdicts": dict(Counter(one.verdict for one in runs)),
        "right": " or ".join(runs[0].truth["mechanisms"]) if runs and runs[0].truth else "",
        "has_layer": bool(runs and runs[0].truth and runs[0].truth["layer"]),
        "mechanism": share(sum(one.mechanism_right for one in runs), len(runs)),
        "layer": share(sum(one.layer_right for one in runs), len(runs)),
        "both": share(sum(one.mechanism_right and one.layer_right for one in runs), len(runs)),
        "onset_error": spread([_onset_error(one) for one in runs if one.onset is not None]),
    }


def early_signs(runs: Sequence[JudgedRun]) -> dict[str, Any]:
    """How many of the runs without an injected fault that gave each early sign were dead in the end."""
    untouched = [one for one in runs if one.truth is None]
    found: dict[str, Any] = {}
    for sign in sorted({sign for one in untouched for sign in one.warned_by}):
        warned = [one for one in untouched if sign in one.warned_by]
        found[sign] = share(sum(one.label == "dead" for one in warned), len(warned))
    return found


def outcome_counts(runs: Sequence[JudgedRun], clean: Sequence[JudgedRun]) -> dict[str, Any]:
    """How often each outcome beside dead and alive was given, and how often it was right."""
    untouched = [one for one in runs if one.truth is None]
    down = [one for one in untouched if one.label == "dead"]
    well = {group: [one for one in untouched if one.group == group and one.verdict == "healthy"] for group in UNTOUCHED}
    return {
        "frozen_numbers_in_clean": share(
            sum(any(rule in FROZEN_NUMBERS for rule, _ in one.told) for one in clean), len(clean)
        ),
        "faults_told_of_clean": share(sum(bool(one.told) for one in clean), len(clean)),
        "dead_without_a_cause": share(sum(one.cause is None for one in down), len(down)),
        "dead_undecided": share(sum(one.verdict == "undecided" for one in down), len(down)),
        "warned_though_healthy": {
            group: share(sum(bool(one.warned) for one in found), len(found)) for group, found in well.items()
        },
    }


def stopping(runs: Sequence[JudgedRun]) -> dict[str, Any]:
    """How many untouched runs that were alive in the end ``--on-defect stop`` would have ended, by kind.

    The total leaves out the clean runs: their settings were chosen because runs do not die of them.
    """
    alive = [one for one in runs if one.truth is None and one.label == "alive"]
    kinds = {
        "all": [one for one in alive if one.group != "clean"],
        **{group: [one for one in alive if one.group == group] for group in UNTOUCHED},
    }
    return {kind: share(sum(bool(one.stretches) for one in found), len(found)) for kind, found in kinds.items()}


def _learned(runs: Sequence[JudgedRun]) -> list[JudgedRun]:
    """The untouched runs that learned and kept it."""
    return [one for one in runs if one.truth is None and one.label == "alive" and one.verdict == "healthy"]


def setting_records(runs: Sequence[JudgedRun]) -> dict[str, Any]:
    """By setting: how many runs learned, and how often the sign of each rule occurs in them, and in how many."""
    found: dict[str, Any] = {}
    for setting in sorted({one.setting for one in _learned(runs)}):
        same = [one for one in _learned(runs) if one.setting == setting]
        rules = sorted({rule for one in same for rule in one.signs})
        signs = {r: (sum(one.signs.get(r, 0) for one in same), sum(r in one.signs for one in same)) for r in rules}
        found[setting] = {"alive": len(same), "signs": signs}
    return found


def track_records(runs: Sequence[JudgedRun]) -> dict[str, dict[str, int]]:
    """The counts of each rule for :mod:`diagnostics.detect.track_record`."""
    injected = [one for one in runs if one.truth is not None]
    alive = _learned(runs)
    found: dict[str, dict[str, int]] = {}
    for rule in MECHANISMS:
        named = [one for one in injected if _names(one, rule.name)]
        found[rule.name] = {
            "right": sum(one.mechanism_right and one.layer_right for one in named),
            "named": len(named),
            "seen": sum(rule.name in one.signs for one in alive),
            "alive": len(alive),
        }
    return found


def _names(one: JudgedRun, rule: str) -> bool:
    """Whether a rule was named for a fault: as the cause, or for a quiet fault among its findings."""
    if one.group in QUIET_FAULTS:
        return any(told == rule for told, _ in one.told)
    return bool(one.cause and one.cause[0] == rule)


def early_warnings(natural: Sequence[JudgedRun], clean: Sequence[JudgedRun]) -> dict[str, Any]:
    """How often runs that broke had a warning, how long before, and how often healthy runs had one."""
    before_sure, before_onset, downs, collapses = [], [], 0, 0
    for one in natural:
        for kind, onset, confirmed, _ in one.stretches[:1]:
            downs += 1
            collapses += kind == "collapsed"
            told = [step for step in one.warned if onset - WARNED_WITHIN <= step < confirmed]
            before_sure += [confirmed - told[0]] if told else []
            if kind == "collapsed" and told and told[0] < onset:
                before_onset.append(onset - told[0])
    well = [one for one in natural if one.verdict == "healthy"]
    return {
        "runs_that_went_down": share(len(before_sure), downs),
        "lead_over_the_verdict": spread(before_sure),
        "collapses_warned_before_onset": share(len(before_onset), collapses),
        "lead_over_the_onset": spread(before_onset),
        "false_natural": share(sum(bool(one.warned) for one in well), len(well)),
        "false_clean": share(sum(bool(one.warned) for one in clean), len(clean)),
    }
