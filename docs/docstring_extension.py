"""What mkdocstrings calls for every object: its docstring as Markdown."""

from __future__ import annotations

from typing import Any

from griffe import Extension

from docs.docstrings import as_markdown


class MarkdownDocstrings(Extension):
    """Rewrites every docstring before it is parsed."""

    def on_object(self, *, obj: Any, **_: Any) -> None:
        if obj.docstring is not None and not obj.is_alias:
            arguments = {one.name.strip("*") for one in getattr(obj, "parameters", ())}
            obj.docstring.value = as_markdown(obj.docstring.value, arguments | set(obj.members))
