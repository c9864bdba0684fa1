"""The table of reliability: its tests are there, its numbers are counted, and its page shows every row."""

from __future__ import annotations

import json

import pytest

from benchmarks.common import ROOT
from benchmarks.reliability import TABLE, TriedCases, TriedRow, cases_in, page

RESULTS = """<testsuites><testsuite>
<testcase classname="tests.log.test_kill" name="test_kills[10]">
  <properties><property name="cases" value="10"/><property name="failed" value="0"/></properties></testcase>
<testcase classname="tests.log.test_kill" name="test_kills[100]">
  <properties><property name="cases" value="100"/><property name="failed" value="3"/></properties>
  <failure message="3 of 100"/></testcase>
<testcase classname="tests.log.test_kill" name="test_plain"/>
<testcase classname="tests.log.test_kill" name="test_broken"><error message="in a fixture"/></testcase>
<testcase classname="tests.log.test_kill" name="test_elsewhere"><skipped message="no such system"/></testcase>
</testsuite></testsuites>"""


def test_cases_are_counted_as_the_tests_tell_them() -> None:
    found = cases_in(RESULTS)

    assert found == {
        "tests/log/test_kill.py::test_kills": TriedCases(110, 3),
        "tests/log/test_kill.py::test_plain": TriedCases(1, 0),
        "tests/log/test_kill.py::test_broken": TriedCases(1, 1),
        "tests/log/test_kill.py::test_elsewhere": TriedCases(0, 0, 1),
    }
    row = TriedRow("kills", "", ("tests/log/test_kill.py",))
    assert all(row.has(name) for name in found)
    assert not TriedRow("kills", "", ("tests/log/test_kill.py::test_kill",)).has("tests/log/test_kill.py::test_kills")


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.key)
def test_every_test_that_a_row_names_is_there_and_in_no_other_row(row: TriedRow) -> None:
    for test in row.tests:
        file, _, name = test.partition("::")
        assert f"def {name or 'test_'}" in (ROOT / file).read_text()
        assert [other.key for other in TABLE if other.has(test)] == [row.key]


def test_the_committed_page_is_made_from_its_numbers_and_nothing_failed() -> None:
    numbers = json.loads((ROOT / "docs" / "reliability.json").read_text())

    assert sorted(numbers) == sorted(row.key for row in TABLE)
    assert all(known["cases"] > 0 == known["failed"] for known in numbers.values())
    assert page(numbers) == (ROOT / "docs" / "reliability.md").read_text()
