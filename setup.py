"""All but the README stands in pyproject.toml; its links are relative, and an index page needs addresses."""

import sys
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT))  # a build does not look here by itself

from docs.links import absolute_links  # noqa: E402

setup(
    long_description=absolute_links((ROOT / "README.md").read_text(encoding="utf-8")),
    long_description_content_type="text/markdown",
)
