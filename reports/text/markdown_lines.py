"""Markdown for a terminal: a paragraph is one line, which the width of the terminal breaks; a table is a list."""

from __future__ import annotations

_BEGINS_A_LINE = ("#", "|", "- ", "```", "  ")


def flowing(markdown: str) -> str:
    """``markdown`` with the lines of each paragraph and each item of a list put together, and tables as lists.

    Code stays as it is.
    """
    out: list[str] = []
    heads: list[str] = []
    is_code = may_go_on = False
    for line in markdown.split("\n"):
        is_fence = line.startswith("```")
        is_code ^= is_fence
        if is_fence or is_code:
            out.append(line)
        elif line.startswith("|"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            out += [] if not heads or set(cells[0]) == {"-"} else [_item(heads, cells)]
            heads = heads or cells
        elif line.strip() and may_go_on and (not line.startswith(_BEGINS_A_LINE) or _is_in_item(out[-1], line)):
            out[-1] += " " + line.strip()
        else:
            out.append(line)
            heads = []
        may_go_on = bool(line.strip()) and not is_fence and not is_code and not line.startswith(("#", "|"))
    return "\n".join(out)


def _item(heads: list[str], cells: list[str]) -> str:
    """A row of a table as an item: each cell after its head."""
    told = [f"{head} {cell}" for head, cell in zip(heads[1:], cells[1:], strict=True) if cell]
    return f"- {heads[0]} {cells[0]}: {'; '.join(told)}"


def _is_in_item(before: str, line: str) -> bool:
    """Whether an indented line continues an item of a list."""
    return before.startswith("- ") and line.startswith("  ") and not line.startswith("   ")
