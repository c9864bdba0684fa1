"""The plan of a rescue: arms, branches, order seeds and test, fixed before the first branch runs.

Every arm is one intervention with a number of branches. Arms that end in "placebo" make
the same change at a step where it should have no effect. A plan is plain data: it is printed and stored with
the results, and the same plan gives the same branches, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from numbers import Integral
from typing import Any

from diagnostics.errors import StudyError
from diagnostics.rescue.interventions import Intervention, Nothing, ScaleUpdate, SwapBatch, SwitchOn
from diagnostics.rescue.patient import Patient
from lenet.arguments import did_you_mean

RUNS = 20
MOST_RUNS = 10_000
BEFORE_THE_CHAIN = 10  # steps before the first link at which a person who knew would have stepped in
PLACEBO_STEPS = 20
POINTS = 8
AFTER_THE_DEATH = 45  # steps that a branch makes past the confirmation in the mean: 45 over 246 branches of a lenet
LOOK_BACK = 200  # steps before the first link at which the first point of the search for no return lies, at most
RATE_DOSES = (0.8, 0.6, 0.5, 0.25, 0.1)
CLIP_DOSES = (4.0, 2.0, 1.0, 0.5)

UNCHANGED, CONTROL, BUT_FOR, SCALED, SWAPPED, NO_RETURN = (
    "unchanged",
    "control",
    "but-for",
    "scaled-update",
    "swapped-batch",
    "no-return",
)
RATE, CLIP = "rate", "clip"
PLACEBO = " placebo"
SINGLES = (BUT_FOR, SCALED, SWAPPED)
"""The arms that alter one step, each compared with a placebo."""
APART = frozenset({UNCHANGED, CONTROL, NO_RETURN, *SINGLES, *(name + PLACEBO for name in SINGLES)})
"""The arms that are not compared with the control."""


@dataclass(frozen=True)
class PlannedBranch:
    """One training that starts from a replayed state and differs from the logged run by one intervention.

    arm: the name of its arm.
    dose: the strength of a remedy, or the branch point of a control that seeks the point of no return; None elsewhere.
    step: the branch point: the first step that the branch makes.
    order_seed: decides the order of the samples from the branch point on; None keeps the order of the log.
    number: tells the branches of one arm and dose apart.
    intervention: what differs.
    """

    arm: str
    dose: float | None
    step: int
    order_seed: int | None
    number: int
    intervention: Intervention

    @property
    def key(self) -> str:
        """The name of the branch within its plan."""
        dose = "" if self.dose is None else f"@{self.dose:g}"
        return f"{self.arm}{dose}#{self.number}"


@dataclass(frozen=True)
class RescueArm:
    """Branches that share an intervention.

    name: what the user calls it.
    title: what it does, in words.
    dose: the strength; None where there is only one.
    branches: its branches, all with different numbers.
    """

    name: str
    title: str
    dose: float | None
    branches: tuple[PlannedBranch, ...]


@dataclass(frozen=True)
class RescuePlan:
    """All arms of one rescue.

    run: the name of the log.
    run_id: the identity of the run, so that results are never continued on another log.
    branch_step: where the remedies are switched on.
    horizon: how many steps a branch may make; None for patience plus grace.
    runs: branches of an arm with reshuffled orders.
    seed: the first order seed.
    arms: the arms, the unchanged one and the control first.
    """

    run: str
    run_id: str
    branch_step: int
    horizon: int | None
    runs: int
    seed: int
    arms: tuple[RescueArm, ...]

    @property
    def branches(self) -> tuple[PlannedBranch, ...]:
        """All branches, the unchanged one first."""
        return tuple(branch for arm in self.arms for branch in arm.branches)

    @property
    def compared(self) -> tuple[RescueArm, ...]:
        """The arms that are compared with the control: the remedies and their doses."""
        return tuple(arm for arm in self.arms if arm.name not in APART)

    def expected_steps(self, confirmed: int, done: Collection[str] = ()) -> int:
        """How many steps the branches will make, roughly; most are certain soon after the logged run was.

        confirmed: the step at which the death of the logged run was confirmed.
        done: the keys of branches that are done already; default none.
        """
        todo = [branch for branch in self.branches if branch.key not in done]
        usual = [max(0, confirmed - branch.step) + AFTER_THE_DEATH for branch in todo]
        return sum(usual if self.horizon is None else (min(steps, self.horizon) for steps in usual))

    def to_json(self) -> dict[str, Any]:
        """The plan in plain types."""
        return {
            **{name: getattr(self, name) for name in ("run", "run_id", "branch_step", "horizon", "runs", "seed")},
            "arms": [
                {
                    "name": arm.name,
                    "title": arm.title,
                    "dose": arm.dose,
                    "branches": len(arm.branches),
                    "changes": str(arm.branches[0].intervention) if arm.branches else "",
                }
                for arm in self.arms
            ],
        }


def make_plan(
    patient: Patient,
    *,
    runs: int = RUNS,
    arms: Sequence[str] = (),
    branch_step: int | None = None,
    horizon: int | None = None,
    seed: int = 0,
    point_runs: int | None = None,
) -> RescuePlan:
    """The plan for a run.

    patient: the run that died, and where its chain begins.
    runs: branches of an arm with reshuffled orders; default 20.
    arms: names of the arms to run beside the unchanged one and the control; none (default) for all that apply.
    branch_step: the step at which remedies are switched on; None (default) for ten steps before the first link,
        and not before a step to which the run was turned back, from which on it had another remedy.
    horizon: how many steps a branch may make; None (default) for patience plus grace.
    seed: the first order seed; default 0.
    point_runs: branches at each point of the search for no return; None (default) for as many as ``runs``.

    Raises StudyError for an unknown arm, a step that the run does not have, and numbers that no rescue has.
    """
    _check_numbers(runs=runs, branch_step=branch_step, horizon=horizon, seed=seed, point_runs=point_runs)
    usual = max(patient.turned_back_to, patient.first_link - BEFORE_THE_CHAIN)
    step = usual if branch_step is None else branch_step
    if not 0 <= step <= patient.confirmed:
        raise StudyError(
            f"step {step} (--from): the run's death was confirmed at step {patient.confirmed}; "
            f"expected a step from 0 to {patient.confirmed}"
        )
    point_orders = range(seed, seed + (runs if point_runs is None else point_runs))
    known = _known_arms(patient, step, range(seed, seed + runs), point_orders)
    for name in arms:
        if name not in known:
            names = ", ".join(known)
            raise StudyError(
                f"arm {name} (--arm): is unknown for this run; expected one of {names}{did_you_mean(name, known)}"
            )
    chosen = dict.fromkeys([CONTROL, *(arms or known)])
    unchanged = _unchanged(min(step, _placebo_steps(patient).start))
    made = (unchanged, *(arm for name in chosen for arm in known[name]))
    return RescuePlan(patient.name, patient.run_id, step, horizon, runs, seed, made)


def _check_numbers(**numbers: object) -> None:
    """Raises StudyError for what is no whole number, and for more orders of the samples than a rescue may have."""
    for name, number in numbers.items():
        most = MOST_RUNS if "runs" in name else None
        if number is not None and not (isinstance(number, Integral) and (most is None or 1 <= int(number) <= most)):
            limits = "" if most is None else f" from 1 to {most:,}"
            raise StudyError(f"{name}: received {number!r}, expected a whole number{limits}")


def applying(patient: Patient, arms: Sequence[str]) -> tuple[str, ...]:
    """Those of the arms that can be tried on a run: a remedy that its diagnosis does not name cannot."""
    known = _known_arms(patient, patient.first_link, range(1), range(1))
    return tuple(name for name in arms if name in known)


def _known_arms(patient: Patient, step: int, orders: range, point_orders: range) -> dict[str, list[RescueArm]]:
    """All arms that apply to a run, by the name that chooses them. A new kind of arm is one entry."""

    def reshuffled(
        name: str, title: str, intervention: Intervention, dose: float | None = None, at: int = step, by: range = orders
    ) -> RescueArm:
        branches = (PlannedBranch(name, dose, at, seed, number, intervention) for number, seed in enumerate(by))
        return RescueArm(name, title, dose, tuple(branches))

    def in_doses(name: str, title: str, setting: str, usual: float, doses: Iterable[float]) -> list[RescueArm]:
        return [reshuffled(name, title.format(d), SwitchOn({setting: usual * d}), d) for d in doses if usual]

    share, rate, norm = patient.usual_share_of_update, patient.learning_rate, patient.usual_gradient_norm
    slower, clipped = "the learning rate times {:g}", "the gradient clipped at {:g} times its usual norm"
    arms = {
        CONTROL: [reshuffled(CONTROL, "no change, another order of the samples", Nothing())],
        BUT_FOR: _at_one_step(BUT_FOR, "the update of step {step} left out", patient, ScaleUpdate),
        SCALED: []  # an update that was not larger than usual stays as it is
        if share >= 1
        else _at_one_step(
            SCALED, "the update of step {step} at its usual size", patient, lambda at: ScaleUpdate(at, share)
        ),
        SWAPPED: _swapped(patient, orders),
        **{one.key: [reshuffled(one.key, one.title, SwitchOn(one.changes))] for one in patient.remedies},
        f"{RATE}-doses": in_doses(f"{RATE}-doses", slower, "lr", rate, RATE_DOSES),
        f"{CLIP}-doses": in_doses(f"{CLIP}-doses", clipped, "clip_norm", norm, CLIP_DOSES),
        NO_RETURN: [
            reshuffled(NO_RETURN, f"no change from step {at} on", Nothing(), float(at), at, point_orders)
            for at in points(patient)
        ],
    }
    return {name: made for name, made in arms.items() if made}


def points(patient: Patient) -> list[int]:
    """The branch points between which the point of no return is sought, in order.

    The first lies well before the chain; the last is the step at which the death was confirmed. The others
    halve the widest gaps up to the step after the blow, where the fate is decided.
    """
    start = max(0, patient.first_link - LOOK_BACK)
    found = {start, patient.first_link, patient.blow, min(patient.blow + 1, patient.confirmed), patient.confirmed}
    while len(found) < POINTS:
        inside = sorted(point for point in found if point <= patient.blow + 1)
        gaps = [(after - before, before) for before, after in pairwise(inside)]
        widest, before = max(gaps, default=(0, 0))
        if widest < 2:
            break
        found.add(before + widest // 2)
    return sorted(found)


def _unchanged(step: int) -> RescueArm:
    return RescueArm(
        UNCHANGED,
        "nothing changed, the order of the log",
        None,
        (PlannedBranch(UNCHANGED, None, step, None, 0, Nothing()),),
    )


def _placebo_steps(patient: Patient) -> range:
    """The steps before the first link at which the same change should have no effect."""
    return range(max(0, patient.first_link - PLACEBO_STEPS), patient.first_link)


def _at_one_step(name: str, title: str, patient: Patient, make: Callable[[int], Intervention]) -> list[RescueArm]:
    """The first link's step altered, and its placebos: one of the steps before it altered, each in turn."""
    at, before, placebo = patient.first_link, _placebo_steps(patient), name + PLACEBO
    tried = PlannedBranch(name, None, before.start, None, 0, make(at))
    others = (PlannedBranch(placebo, None, before.start, None, n, make(step)) for n, step in enumerate(before))
    return [
        RescueArm(name, title.format(step=at), None, (tried,)),
        RescueArm(placebo, "the same at one of the steps before", None, tuple(others)),
    ]


def _swapped(patient: Patient, draws: range) -> list[RescueArm]:
    """Another batch at the first link's step, and at one of the steps before it, one a draw."""
    at, before, placebo = patient.first_link, _placebo_steps(patient), SWAPPED + PLACEBO

    def swapped(name: str, steps: Sequence[int]) -> tuple[PlannedBranch, ...]:
        return tuple(
            PlannedBranch(name, None, before.start, None, n, SwapBatch(steps[n % len(steps)], draw))
            for n, draw in enumerate(draws)
            if steps
        )

    return [
        RescueArm(SWAPPED, f"another batch at step {at}", None, swapped(SWAPPED, [at])),
        RescueArm(placebo, "another batch at one of the steps before", None, swapped(placebo, before)),
    ]
