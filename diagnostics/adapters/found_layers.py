"""FoundLayers: what was found of a network, a row a layer, as a frame that prints whole."""

from __future__ import annotations

import textwrap

import pandas as pd

WIDTH = 80
LABEL = 18
"""Columns from the name of what was found to its words."""


class FoundLayers(pd.DataFrame):
    """A frame with a row a layer. What is taken out of it is a plain frame.

    It prints as a table where that fits into 80 columns, and else as a paragraph a layer; nothing is cut.
    """

    def __repr__(self) -> str:
        if not len(self):
            return super().__repr__()
        table = str(self.to_string(max_colwidth=None))
        if max(map(len, table.splitlines())) <= WIDTH:
            return table
        lines = []
        for layer, row in self.iterrows():
            lines += textwrap.wrap(f"{layer}", WIDTH) or [""]
            for name, words in row.items():
                lines += textwrap.wrap(
                    f"{words}" or "none",
                    WIDTH,
                    initial_indent=f"  {name}: ".ljust(LABEL),
                    subsequent_indent=" " * LABEL,
                    break_on_hyphens=False,
                )
        return "\n".join(lines)
