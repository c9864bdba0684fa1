"""What pyproject.toml cannot say: the README as an index page needs it, and addresses that follow from one."""

import sys
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT))  # a build does not look here by itself

from docs.links import URLS, for_elsewhere  # noqa: E402

setup(
    long_description=for_elsewhere((ROOT / "README.md").read_text(encoding="utf-8")),
    long_description_content_type="text/markdown",
    project_urls=URLS,
)
