"""Pictures and pages are found as entry points; without them a run says what is missing, and prompts still work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, EntryPoints
from typing import Any

import pytest

from diagnostics import views
from diagnostics.errors import MissingLibraryError
from tests.helpers import synthetic_runs as synthetic


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Stands in for the packages that are installed: only this value is declared, or nothing."""

    def declare(value: str) -> None:
        found = [EntryPoint(name, value, views.GROUP) for name in ("card", "figure", "report")] if value else []

        def entry_points(**chosen: Any) -> EntryPoints:
            return EntryPoints(found).select(**chosen)

        views.view.cache_clear()
        monkeypatch.setattr(views, "entry_points", entry_points)

    yield declare
    views.view.cache_clear()


def test_what_draws_is_declared_by_the_installed_package() -> None:
    from reports import notebook

    assert views.view("card") is notebook.card
    assert views.view("figure") is notebook.figure
    assert views.view("report") is notebook.report


def test_without_reports_pictures_say_what_is_missing_and_reprs_stay_lines(declared: Callable[[str], None]) -> None:
    declared("")
    run = synthetic.healthy(60)

    for asked in (run.plot, run.plot.loss, run.plot.chain, run.plot.layers, run.plot.origin, run.report):
        with pytest.raises(MissingLibraryError, match=r"drawn by the package reports, .* pip install -e . in a clone"):
            asked()
    assert run._repr_html_() is run.diagnosis._repr_html_() is run.info._repr_html_() is None
    assert repr(run) == "<Run healthy: 60 steps recorded, completed>"


@pytest.mark.parametrize(
    ("value", "reason"),
    [("no_such_package.notebook:card", "No module named 'no_such_package'"), ("reports:no_such_name", "no_such_name")],
)
def test_a_package_that_cannot_be_imported_is_named(value: str, reason: str, declared: Callable[[str], None]) -> None:
    declared(value)

    with pytest.raises(MissingLibraryError) as caught:
        synthetic.healthy(60).plot()
    assert value in str(caught.value)
    assert reason in str(caught.value)
