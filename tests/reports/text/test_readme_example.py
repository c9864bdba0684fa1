"""The counts that README quotes beside the example are those of the kept record of the zoo."""

from __future__ import annotations

from pathlib import Path

import pytest

from diagnostics.detect.link import Link, Origin
from reports.text.headline import measured_words

README = Path(__file__).parents[3] / "README.md"


@pytest.mark.parametrize("rule", ["oversized-update", "exploding-gradient"])
def test_the_counts_of_the_example_in_the_readme_are_those_of_today(rule: str) -> None:
    link = Link(rule, None, 0, "", Origin.SETTINGS, setting="lenet, sgd, learning rate 0.5")

    assert measured_words(link) in " ".join(README.read_text(encoding="utf-8").split())
