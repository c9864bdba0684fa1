"""Names that mean something to browsers and shells: links lead there, and suggested commands run as printed."""

from __future__ import annotations

import re
import shlex
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from reports.text.command_line import path_word
from tests.helpers.command_line import typed
from tests.helpers.log_writers import whole_log

NAMES = ["a#b?c%41.h5", "-x.h5", "a b.h5", "ü&<i>.h5", "a:b.h5", "'\".h5"]


@pytest.mark.usefixtures("no_pictures")
def test_links_of_a_study_lead_to_the_reports_of_its_runs(tmp_path: Path) -> None:
    for name in NAMES:
        whole_log(tmp_path / name)

    result = typed("report", tmp_path)

    assert result.exit_code == 0, result.output
    page = tmp_path / "report" / "report.html"
    links = [unescape(link) for link in re.findall(r'<a href="([^"]*report\.html)"', page.read_text())]
    assert len(links) == len(NAMES)
    for link in links:
        address = urlsplit(link)
        assert (address.scheme, address.query, address.fragment) == ("", "", "")
        assert (page.parent / unquote(address.path)).is_file()


@pytest.mark.parametrize("name", [*NAMES, "--help", "-"])
def test_a_path_is_one_word_that_is_no_option(name: str) -> None:
    (word,) = shlex.split(path_word(name))

    assert Path(word) == Path(name)
    assert not word.startswith("-")


@pytest.mark.usefixtures("no_pictures")
def test_the_command_that_is_suggested_runs_as_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    trained = typed("train", "--network", "feedforward", "--limit", "256", "--steps", "2", "--out", "./-x.h5")
    (suggested,) = re.findall(r"^next: lenet-diag (.*)$", trained.stderr, re.MULTILINE)

    result = typed(*shlex.split(suggested))

    assert suggested == "report ./-x.h5"
    assert result.exit_code == 0, result.output
