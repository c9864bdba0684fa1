"""A plugin of pytest that counts processor time: each test's own, with that of the processes it started and awaited.

Lines at the end give the sum and how many tests were left out; ``--cost`` adds the dearest files and tests. What a
process of tests needs besides (imports, collection, its servers) is told apart. Processor time does not grow with
waiting, but it does grow on a busy machine, where processes share caches: the sum of a quiet machine is the one to
compare.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Generator
from typing import Any

import pytest

SHOWN = 40
_elsewhere = [0.0]
ends: list[Callable[[], None]] = []
"""What ends the servers of this process of tests: only what has ended is counted."""


def seconds() -> float:
    """Processor time of this process so far, of its processes that have ended, and of those that were added."""
    return sum(os.times()[:4]) + _elsewhere[0]


def add(other: float) -> None:
    """Count processor time of a process that is the child of a server."""
    _elsewhere[0] += other


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cost", action="store_true", help="list the files and tests that take most processor time")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Cost(config), "cost")


class Cost:
    """Counts in the process that runs tests, and adds up in the one that reports."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.before = 0.0
        self.tests: dict[str, float] = defaultdict(float)
        self.totals: list[float] = []
        self.left_out = 0

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        self.left_out += len(items)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self) -> Generator[None, Any, Any]:
        self.before = seconds()
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self) -> Generator[None, Any, Any]:
        report = yield
        now = seconds()
        report.cpu, self.before = now - self.before, now
        return report

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.tests[report.nodeid] += getattr(report, "cpu", 0.0)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        while ends:
            ends.pop()()
        total = sum(os.times()[:4])
        if hasattr(self.config, "workeroutput"):
            self.config.workeroutput.update(cpu=total, left_out=self.left_out)
        else:
            self.totals.append(total)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        told = getattr(node, "workeroutput", {})
        self.totals.append(told.get("cpu", 0.0))
        self.left_out = max(self.left_out, told.get("left_out", 0))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        tests, total = sum(self.tests.values()), sum(self.totals)
        say = terminalreporter.line
        terminalreporter.section("processor time")
        say(f"{total:.1f} s: {tests:.1f} s in {len(self.tests):,} tests, the rest in imports, collection and servers")
        if self.left_out:
            say(f"{self.left_out:,} tests were left out; `make help` lists what runs them")
        if self.config.getoption("cost"):
            files: dict[str, list[float]] = defaultdict(list)
            for name, cost in self.tests.items():
                files[name.split("::")[0]].append(cost)
            for name, costs in sorted(files.items(), key=lambda item: -sum(item[1]))[:SHOWN]:
                say(f"{sum(costs):8.2f} s {len(costs):5d} tests  {name}")
            say("")
            for name, cost in sorted(self.tests.items(), key=lambda item: -item[1])[:SHOWN]:
                say(f"{cost:8.2f} s  {name}")
