"""What a notebook shows, and what runs offer as ``run.plot`` and ``run.report``.

In: runs, diagnoses, groups and the other objects of ``diagnostics``.
Out: a card of HTML for each, the ready figures by name, and the report of a run. ``diagnostics`` finds the three
functions below as entry points (``diagnostics/views.py``).
"""

from __future__ import annotations

from reports.notebook.cards import card
from reports.notebook.figures import figure
from reports.notebook.run_report import report

__all__ = ["card", "figure", "report"]
