"""Pictures and pages of a run, drawn by a package that this one does not import.

``reports`` draws them, and imports go from ``reports`` to here and never back. So each
function that draws is declared in the metadata of the installed package, as an entry point
of the group ``lenet_diag.views``, and is imported when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from diagnostics.errors import MissingLibraryError
from lenet.errors import reason_of
from lenet.in_the_way import hidden_by, words

GROUP = "lenet_diag.views"


@cache
def view(name: str) -> Callable[..., Any]:
    """The function that draws ``name``: "card", "figure" or "report".

    Raises MissingLibraryError where no installed package declares it, and where the one that does cannot be imported.
    """
    for entry in entry_points(group=GROUP, name=name):
        try:
            function: Callable[..., Any] = entry.load()
        except (ImportError, AttributeError) as error:
            place = hidden_by("reports")
            why = words("reports", place) if place else f"{entry.value} cannot be imported: {reason_of(error)}"
            raise MissingLibraryError(f"this cannot be drawn: {why}") from error
        return function
    raise MissingLibraryError(
        "pictures and pages are drawn by the package reports, and no installed package declares it; "
        "install lenet-diag as a whole: pip install -e . in a clone of its repository"
    )


class ShownInNotebooks:
    """An object that a notebook shows as a card: verdict, sentence, a few facts and a small picture.

    Where ``reports`` is not installed, a notebook shows the line that a prompt shows.
    """

    def _repr_html_(self) -> str | None:
        try:
            html: str = view("card")(self)
        except MissingLibraryError:
            return None
        return html
