"""What all pages have in common: tables, how a page was made, and what is still missing in it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath

from diagnostics.provenance import commit
from diagnostics.statistics.group import Group, Mean
from diagnostics.statistics.summary_cache import Loaded
from diagnostics.study.plan import StudyPlan
from diagnostics.study.presets import preset
from lenet.settings import Settings
from reports.text.command_line import flags
from reports.text.numbers import counted
from reports.text.statistics import defect_rate

NAMES = {"relu": "ReLU", "sigmoid": "sigmoid", "tanh": "tanh",
         "sgd": "SGD", "momentum": "momentum", "rmsprop": "RMSprop", "adam": "Adam"}  # fmt: skip
IN_WORDS = ("activation", "optimizer", "lr", "batch_size", "epochs", "steps", "limit", "threads")
"""Settings that every page has words for."""


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the first column is left-aligned, the others right."""
    lines = [_row(heads), _row([":--", *["--:"] * (len(heads) - 1)])]
    return "\n".join([*lines, *map(_row, rows)])


def join(*blocks: str | None) -> str:
    """Blocks of a page with an empty line between them; None and "" are left out."""
    return "\n\n".join(block for block in blocks if block) + "\n"


def settings_words(plan: StudyPlan) -> str:
    """The settings all arms share unless their label says otherwise: the usual ones in words, others as options."""
    s = plan.arms[0].settings
    usual = Settings().to_dict()
    shared = [name for name in s if all(arm.settings[name] == s[name] for arm in plan.arms)]
    others = [" ".join(flags(n, s[n])) for n in shared if n not in IN_WORDS and s[n] != usual[n]]
    limit = f", the first {s['limit']:,} training images" if s.get("limit") else ""
    steps = f" cut at {s['steps']:,} steps" if s.get("steps") else ""
    epochs = f"{counted(s['epochs'], 'epoch')}{steps}{limit}"
    trained = f"{NAMES[s['optimizer']]} with learning rate {s['lr']:g}"
    return ", ".join([NAMES[s["activation"]], trained, f"batch {s['batch_size']}", epochs, *others])


def status(plan: StudyPlan, loaded: Loaded) -> str | None:
    """What is missing, in bold, where the study is not finished."""
    by_file = {run.name: run for run in loaded.runs}
    asked = [run for _, run in plan.asked(lambda task: by_file.get(task.file))]
    done = sum(run is not None for run in asked)
    if done == len(asked):
        return None
    return f"**Partial: {done} of {len(asked)} runs so far.** Every figure below gives the number of runs it is from."


def how_made(plan: StudyPlan, loaded: Loaded, runs: str) -> str:
    """The command that repeats the page, and the code, machine and jobs it was made with; ``runs`` is the CSV file."""
    command = ["lenet-diag", "study", "--preset", str(plan.preset), *_changes(plan)]
    commits = dict.fromkeys(f"`{h['commit']}`" if h["commit"] else f"version {h['version']}" for h in plan.history)
    jobs = map(str, plan.jobs)
    threads = sorted({str(r.threads) for r in loaded.runs if r.threads is not None})
    last = plan.history[-1] if plan.history else {"date": "?", "python": "?", "numpy": "?", "cores": "?"}
    return join(
        "## How this page was made",
        f"```\n{shlex.join(command)}\n```",
        f"Seeds from {plan.first_seed} on, the same in every arm. Trained at commit {', '.join(commits) or 'unknown'}, "
        f"judged at `{commit() or 'unknown'}` (a + stands for uncommitted changes), last run {last['date']}, "
        f"Python {last['python']}, NumPy {last['numpy']}, {last['cores']} cores; {' or '.join(jobs) or '?'} runs at a "
        f"time with {' or '.join(threads) or '?'} thread each. Times depend on the machine; everything else is "
        "repeated exactly by the command at that commit on the same machine.",
        _copied(plan, loaded),
        "A run counts in n when it ended and its verdict is not `undecided`; intervals are Wilson's at 95 %. "
        "\"All\" means are over every run that did not crash, \"survivors\" over healthy and recovered runs. "
        f"Every run, with its file, seed, verdict, cause and numbers, stands in [{runs}]({runs}).",
    ).rstrip()


def _copied(plan: StudyPlan, loaded: Loaded) -> str | None:
    """How many of the runs were taken over from other studies."""
    made = {run.name for run in loaded.runs}
    origins: dict[str, int] = {}
    for start in plan.history:
        for file, origin in start.get("copied", {}).items():
            if file in made:
                study = PurePath(origin).parent.name
                origins[study] = origins.get(study, 0) + 1
    if not origins:
        return None
    told = " and ".join(f"{count} from `{study}`" for study, count in origins.items())
    n = sum(origins.values())
    return (f"{n} of the {len(loaded.runs)} runs were not trained again, but copied from other studies of the same "
            f"settings, seeds, commit and machine: {told}. The study's `study.json` says which.")  # fmt: skip


def runs_file(page: Path) -> Path:
    """Where the table of all runs behind a page goes."""
    return page.with_name(f"{page.stem}-runs.csv")


def rate_cell(group: Group) -> str:
    """K of n with its interval, and beside it the runs that are not in n."""
    counts = {"undecided": group.undecided, "crashed": group.crashed}
    return ", ".join([defect_rate(group, is_brief=True), *(f"{n} {what}" for what, n in counts.items() if n)])


def share(mean: Mean, digits: int = 1) -> str:
    """A mean share in per cent."""
    return "–" if mean.mean is None else f"{100 * mean.mean:.{digits}f} %"


def arrows(means: Sequence[Mean], digits: int = 0) -> str:
    """Accuracies from epoch to epoch as the report prints them: 49 → 72 → 84 %."""
    shown = [f"{100 * m.mean:.{digits}f}" for m in means if m.mean is not None]
    return " → ".join(shown) + " %" if shown else "–"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _changes(plan: StudyPlan) -> list[str]:
    """The options by which this study differs from its preset: settings changed for all arms, runs, seed, logging."""
    usual = {arm.label: arm for arm in preset(str(plan.preset)).build({})}
    words: list[str] = []
    for name, value in plan.arms[0].settings.items():
        changed = all(arm.label in usual and usual[arm.label].settings[name] != arm.settings[name] for arm in plan.arms)
        if changed and len({str(arm.settings[name]) for arm in plan.arms}) == 1:
            words += flags(name, value)
    runs = {arm.runs for arm in plan.arms}
    if len(runs) == 1 and any(usual[arm.label].runs != arm.runs for arm in plan.arms if arm.label in usual):
        words += flags("runs", runs.pop())
    if plan.first_seed:
        words += flags("seed", plan.first_seed)
    for name in ("on_defect", "log_every", "histograms_every"):
        if getattr(plan, name) != getattr(StudyPlan, name):
            words += flags(name, getattr(plan, name))
    return words
