"""The steps between which the onset of a stretch lies, where not every step has a row of its own.

A log may have every k-th step, some steps at random, or means over many steps. The onset is then at the step after
the last good row, or later.
"""

from __future__ import annotations


class OnsetInterval:
    """Follows the rows of a run, one at a time.

    ``slack``: the number of steps by which the onset may lie after the first bad row. An onset is defined by a mean
    over some steps.

    ``has_gaps`` says whether any row stood for other steps than the one after the row before.
    """

    def __init__(self, slack: int) -> None:
        self._slack = slack
        self.has_gaps = False
        self._next = 0
        self._earliest, self._latest = 0, 0
        self._row_first = self._row_step = 0
        self._bad_rows = 0
        self._guessing_since: int | None = None

    def observe(self, first: int, step: int, is_good: bool, is_guessing: bool) -> None:
        """Reads one row.

        ``first``, ``step``: the first and the last step that the row stands for.
        ``is_good``: whether its loss is that of a run that has learned.
        ``is_guessing``: whether the run guesses over the last W steps.
        """
        self.has_gaps |= step != self._next
        self._next = step + 1
        if is_good:
            self._earliest, self._bad_rows = self._row_first, 0
        else:
            self._bad_rows += 1
        if self._bad_rows <= 2:
            self._latest = step + self._slack
        self._row_first, self._row_step = first, step
        if not is_guessing:
            self._guessing_since = None
        elif self._guessing_since is None:
            self._guessing_since = step

    def of_collapse(self) -> tuple[int, int] | None:
        """From the row before the last good one to the second row after it; None where no step is missing."""
        return (self._earliest, min(self._latest, self._next - 1)) if self.has_gaps else None

    def of_never_learned(self) -> tuple[int, int] | None:
        """From the first step to the first row at which the run guessed; None where no step is missing."""
        return (0, self._guessing_since or 0) if self.has_gaps else None

    def of_divergence(self, first: int) -> tuple[int, int] | None:
        """The steps that the newest row stands for and those missing before it; None where no step is missing."""
        return (first, self._row_step) if self.has_gaps else None
