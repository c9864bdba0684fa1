"""Counts what was tried to break this project, and how many cases failed: docs/reliability.md.

python -m benchmarks.reliability                                 run the tests of every row and print the table
python -m benchmarks.reliability --row kills --row disks         run only these rows
python -m benchmarks.reliability --short                         fewer cases: without the variants that take minutes
python -m benchmarks.reliability --write docs/reliability.md     also write the page

The cases are those of the test suite, and every number on the page was counted in a run. A test that tries many cases
reports how many, and how many failed. Numbers of rows that are not run again come from the JSON file beside the page.
The environment variable FUZZ_SEED draws other random cases.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from benchmarks.common import ROOT, machine, parser, publish, render
from diagnostics.provenance import code_version

LOG, COMMANDS = "tests/diagnostics/log", "tests/reports/commands"


@dataclass(frozen=True)
class TriedRow:
    """One row of the table.

    key: its short name.
    what: what was done, and what must be true afterwards.
    tests: its tests, as pytest names them: whole files, or tests in all their variants.
    """

    key: str
    what: str
    tests: tuple[str, ...]

    def command(self, seed: str, short: bool) -> str:
        """The command that repeats the row."""
        return " ".join([f"FUZZ_SEED={seed} python -m pytest", *(['-m "not slow"'] if short else []), *self.tests])

    def has(self, test: str) -> bool:
        """Whether a test, by its file and name without its variant, is one of this row."""
        return any(test == one or test.startswith(f"{one}::") for one in self.tests)


TABLE = (
    TriedRow(
        "kills",
        "Writers of logs killed with SIGKILL at random moments: every log opens, no row is wrong, and no more is lost "
        "than the last flush",
        (f"{LOG}/test_kill.py::test_writers_killed_at_random_moments",),
    ),
    TriedRow(
        "resumes",
        "Trainings killed up to three times at random moments, and resumed: weights, rows and events are bit for bit "
        "those of a training that nobody killed",
        (f"{LOG}/test_kill.py::test_trainings_killed_again_and_again_end_as_one_that_nobody_killed",),
    ),
    TriedRow(
        "signals",
        "Studies, trainings and writers of files that are interrupted or killed: in order, nothing left over, handlers "
        "given back",
        (
            f"{LOG}/test_kill.py::test_a_signal_ends_the_run_between_two_steps_with_nothing_lost",
            "tests/diagnostics/test_signals.py",
            "tests/diagnostics/study/test_plan.py::test_killing_a_study_ends_its_workers_and_a_second_one_may_then_go_on",
            f"{COMMANDS}/test_study_for_real.py::test_ctrl_c_ends_a_study_in_order_and_resume_completes_it",
            "tests/diagnostics/test_files.py::test_parts_of_killed_writers_are_removed_and_those_of_living_ones_stay",
        ),
    ),
    TriedRow(
        "disks",
        "Full disks, limits on the size of files, and what may not be read or written: one line with the reason and "
        "the cure, what was written before stays",
        (
            f"{LOG}/test_writer.py::test_a_full_disk_stops_the_log_in_order_and_training_goes_on",
            f"{LOG}/test_writer.py::test_a_full_disk_ends_the_run_with_on_error_stop",
            f"{LOG}/test_writer.py::test_a_failed_write_is_one_warning_no_crash_and_what_was_flushed_stays",
            f"{LOG}/test_writer.py::test_a_disk_that_is_full_all_the_same_is_one_warning_and_no_crash",
            f"{LOG}/test_repair.py::test_a_repair_for_which_the_disk_has_no_room_leaves_everything_as_it_was",
            "tests/test_interface.py::test_no_room_for_a_log_is_one_line_before_training",
            "tests/test_interface.py::test_a_log_that_had_to_stop_is_told_at_the_end_and_by_the_exit_code",
            f"{COMMANDS}/test_unreadable.py",
        ),
    ),
    TriedRow(
        "mutations",
        "Logs with one to four random accidents (flipped bits, blocks overwritten, swapped, cut, added): the right "
        "rows or one line",
        (f"{LOG}/test_damage.py::test_mutated_files_give_one_line_or_right_rows",),
    ),
    TriedRow(
        "bits",
        "Logs with a flipped bit in the header of a part, or cut short",
        (
            f"{LOG}/test_crafted.py::test_flipped_bits_in_the_header_of_a_part_are_one_line_or_right_rows",
            f"{LOG}/test_crafted.py::test_the_bit_that_took_a_whole_folder_down",
            f"{LOG}/test_damage.py::test_files_cut_short",
            f"{LOG}/test_repair.py::test_a_log_without_its_last_bytes_is_noted_and_rewritten",
            f"{COMMANDS}/test_crafted_logs.py::test_a_damaged_log_is_one_line_and_the_others_are_done",
        ),
    ),
    TriedRow(
        "headers",
        "Headers with random values and types: the log answers, or one line",
        (f"{LOG}/test_crafted.py::test_a_random_header_is_one_line_or_a_log_that_answers",),
    ),
    TriedRow(
        "checkpoints",
        "Checkpoints with random accidents, and with members that no checkpoint has: the state that was saved, or one "
        "line before anything is changed",
        (
            f"{LOG}/test_checkpoints.py::test_a_mutated_checkpoint_is_one_line_or_the_state_that_was_saved",
            f"{LOG}/test_checkpoints.py::test_malformed_members_are_one_line_or_passed_over",
        ),
    ),
    TriedRow(
        "data",
        "IDX files with random damage: the right pixels or one line",
        ("tests/lenet/data/test_idx.py::test_any_damage_is_one_clear_error_and_never_wrong_pixels",),
    ),
    TriedRow(
        "crafted",
        "Crafted logs (headers that no run has, links into other files, filters, rows that make no sense) given to the "
        "library and to commands",
        (
            f"{LOG}/test_crafted.py::test_only_what_lies_in_the_file_as_it_is_is_read",
            f"{LOG}/test_crafted.py::test_a_header_that_cannot_be_is_one_line_that_says_why",
            f"{LOG}/test_crafted.py::test_rows_that_make_little_sense_raise_nothing",
            f"{COMMANDS}/test_crafted_logs.py::test_commands_answer_crafted_logs",
            f"{COMMANDS}/test_crafted_logs.py::test_other_commands_answer_crafted_logs",
            f"{COMMANDS}/test_crafted_logs.py::test_rows_that_make_little_sense_are_shown_and_repaired",
        ),
    ),
    TriedRow(
        "bombs",
        "Small files that claim or unpack to gigabytes: answered within 10 s of processor time and 1 GB of memory",
        (
            f"{LOG}/test_crafted.py::test_a_bomb_is_read_as_far_as_it_can_be_trusted",
            f"{COMMANDS}/test_crafted_logs.py::test_commands_answer_bombs_within_10_s_of_cpu_and_1_gb",
            f"{LOG}/test_checkpoints.py::test_packed_members_are_refused_before_they_are_unpacked",
            "tests/lenet/data/test_idx.py::test_a_gzip_file_of_very_many_members_is_refused",
            "tests/lenet/data/test_idx.py::test_a_claim_of_2_gb_of_pixels_is_refused_before_anything_is_unpacked",
        ),
    ),
    TriedRow(
        "links",
        "Links, named pipes and sockets where a command writes or reads: none is replaced, followed or waited for",
        (
            f"{COMMANDS}/test_outputs.py",
            f"{LOG}/test_checkpoints.py::test_what_is_no_regular_file_is_no_checkpoint",
            "tests/diagnostics/statistics/test_summary_cache.py::test_a_summary_that_is_no_regular_file_is_neither_read_"
            "nor_replaced",
        ),
    ),
    TriedRow(
        "races",
        "Logs made, followed, linked, moved, removed and repaired at once, in threads and processes, with and without "
        "locks",
        (
            f"{LOG}/test_threads.py",
            f"{LOG}/test_locks.py",
            f"{LOG}/test_no_locks.py",
            f"{LOG}/test_removed_logs.py",
            f"{LOG}/test_live.py",
            f"{COMMANDS}/test_lost_log.py",
            "tests/diagnostics/statistics/test_tracker.py::test_two_processes_writing_at_once_lose_nothing",
        ),
    ),
    TriedRow(
        "terminals",
        "Terminals and pipes that are full or closed, escape codes in names: no training ends, nothing is obeyed",
        ("tests/reports/terminal/test_views_end_nothing.py", "tests/reports/terminal/test_escapes.py"),
    ),
    TriedRow(
        "lines",
        "Random command lines: a result, or one line and the right exit code",
        (f"{COMMANDS}/test_fuzzed_lines.py",),
    ),
    TriedRow(
        "edited",
        "Results and tables of rescues that were edited, cut, or are of another run, their plans, and files that hold "
        "no labels: one line, and nothing of them is taken over",
        (
            "tests/diagnostics/rescue/test_experiment.py::test_branches_that_were_edited_or_are_of_another_run_are_"
            "refused_in_one_line",
            "tests/diagnostics/rescue/test_experiment.py::test_branches_without_their_plan_are_not_taken_for_those_of_"
            "this_one",
            "tests/diagnostics/rescue/test_cost.py::test_endings_with_numbers_that_cannot_be_are_refused_in_one_line",
            "tests/diagnostics/rescue/test_death_study.py::test_tables_that_were_edited_are_refused_in_one_line",
            "tests/diagnostics/imports/test_assumed.py::test_files_that_hold_no_labels_are_one_line",
        ),
    ),
    TriedRow(
        "faults",
        "Faults planted in every command: one line, the traceback in a file, exit code 70",
        (f"{COMMANDS}/test_faults.py",),
    ),
)


@dataclass(frozen=True)
class TriedCases:
    """How many cases were tried and how many failed; ``skipped`` counts tests that this machine cannot run."""

    cases: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: TriedCases) -> TriedCases:
        return TriedCases(self.cases + other.cases, self.failed + other.failed, self.skipped + other.skipped)


def cases_in(results: str) -> dict[str, TriedCases]:
    """The cases of every test in a JUnit XML, by file and name without the variant."""
    found: dict[str, TriedCases] = {}
    for test in ElementTree.fromstring(results).iter("testcase"):
        name = f"{test.attrib['classname'].replace('.', '/')}.py::{test.attrib['name'].partition('[')[0]}"
        known = {one.attrib["name"]: int(one.attrib["value"]) for one in test.iter("property")}
        ended_badly = test.find("failure") is not None or test.find("error") is not None
        if test.find("skipped") is not None:
            result = TriedCases(skipped=1)
        else:
            result = TriedCases(known.get("cases", 1), max(known.get("failed", 0), int(ended_badly)))
        found[name] = found.get(name, TriedCases()) + result
    return found


def try_rows(rows: Sequence[TriedRow], jobs: int, short: bool) -> dict[str, Any]:
    """Run the tests of some rows, ``jobs`` at a time; the numbers of each row, by its key.

    short: whether the long variants, those marked slow, are left out.
    """
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.xml"
        command = [sys.executable, "-m", "pytest", "-n", str(jobs), *(["-m", "not slow"] if short else [])]
        command += ["-o", "junit_family=xunit1", f"--junitxml={results}", *(test for row in rows for test in row.tests)]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode or not results.exists():
            print(done.stdout, file=sys.stderr)
        found = cases_in(results.read_text(encoding="utf-8"))
    seed = next(line for line in done.stdout.splitlines() if "FUZZ_SEED=" in line).partition("FUZZ_SEED=")[2]
    how = {"short": short, "seed": seed, "date": code_version()["date"][:10], "machine": machine()}
    counted = {row.key: sum((n for name, n in found.items() if row.has(name)), TriedCases()) for row in rows}
    return {key: {**asdict(cases), **how} for key, cases in counted.items()}


def page(numbers: Mapping[str, Any]) -> str:
    """The page with the rows whose numbers are known."""
    rows = [(row, numbers[row.key]) for row in TABLE if row.key in numbers]
    total = {name: sum(known[name] for _, known in rows) for name in ("cases", "failed", "skipped")}
    machines = sorted({known["machine"] for _, known in rows})
    return render("reliability.md.j2", {"rows": rows, "total": total, "machines": machines})


def main() -> None:
    arguments = parser("benchmarks.reliability", __doc__)
    arguments.add_argument("--row", action="append", choices=[row.key for row in TABLE], help="only this row")
    arguments.add_argument("--jobs", type=int, default=2, help="tests at a time; 0 for all in one process")
    arguments.add_argument("--short", action="store_true", help="leave out the variants that take minutes")
    arguments.add_argument("--write", type=Path, help="also write the page, and its numbers as JSON beside it")
    asked = arguments.parse_args()
    rows = [row for row in TABLE if asked.row is None or row.key in asked.row]
    tried = try_rows(rows, asked.jobs, asked.short)
    kept = asked.write.with_suffix(".json") if asked.write else None
    numbers = {**(json.loads(kept.read_text(encoding="utf-8")) if kept and kept.exists() else {}), **tried}
    if kept:
        kept.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    publish(page(numbers), asked.write)
    sys.exit(1 if any(known["failed"] for known in tried.values()) else 0)


if __name__ == "__main__":
    main()
