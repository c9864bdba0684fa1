"""The templates of a package: a name that a template lacks is an error."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined


def environment(package: str, *, is_html: bool) -> Environment:
    """The environment of the templates of ``package``; those of HTML escape what is filled in."""
    return Environment(
        loader=PackageLoader(package, "templates"),
        autoescape=is_html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
