"""The documentation: links lead somewhere in the repository, and in the site that is built of it."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

from docs.built_site import broken_links
from docs.docstrings import as_markdown
from docs.links import REPOSITORY, for_elsewhere, is_relative, targets
from docs.site_hooks import on_page_markdown

ROOT = Path(__file__).parents[1]
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    found = [target.split("#")[0] for target in targets(page.read_text(encoding="utf-8")) if is_relative(target)]

    assert [target for target in found if not (page.parent / target).exists()] == []


def test_links_become_addresses_for_a_page_elsewhere() -> None:
    text = 'REPOSITORY ![a](docs/a.png) [b](docs/b.md#c) [d](https://x.y) <img src="docs/e.svg">\n```\n[f](g.md)\n```\n'

    assert for_elsewhere(text) == (
        f"{REPOSITORY} ![a]({REPOSITORY}/raw/main/docs/a.png) [b]({REPOSITORY}/blob/main/docs/b.md#c) [d](https://x.y) "
        f'<img src="{REPOSITORY}/raw/main/docs/e.svg">\n```\n[f](g.md)\n```\n'
    )


def test_the_first_page_of_the_site_has_the_address() -> None:
    page = SimpleNamespace(file=SimpleNamespace(src_uri="index.md"))

    shown = on_page_markdown("`git clone REPOSITORY` [faq](docs/faq.md)", page, None, None)

    assert shown == f"`git clone {REPOSITORY}` [faq](faq.md)"


def test_a_link_that_leads_nowhere_is_found_in_a_built_site(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<a href="b.html#here">x</a><a href="b.html#gone">x</a><img src="c.png">')
    (tmp_path / "b.html").write_text('<h1 id="here">x</h1><a href="https://x.y">x</a><a href="#top">x</a>')

    assert list(broken_links(tmp_path)) == [
        "a.html: leads to b.html#gone, which is not there",
        "a.html: leads to c.png, which is not there",
        "b.html: leads to #top, which is not there",
    ]


def test_arguments_that_stand_a_line_each_become_a_list() -> None:
    docstring = (
        "Opens :func:`~a.b.run`.\n\n``path``: the log.\n``live``, ``fast``: whether\n    it is followed.\n\nNote: none."
    )

    assert as_markdown(docstring, {"path"}) == (
        "Opens `run`.\n\n- `path`: the log.\n- `live`, `fast`: whether it is followed.\n\nNote: none."
    )
    assert as_markdown("path: the log.\nname: its name.", {"path", "name"}) == "- `path`: the log.\n- `name`: its name."


@pytest.mark.slow  # the site is built
@pytest.mark.skipif(find_spec("mkdocs_jupyter") is None, reason="needs the extra docs, which `make docs-site` installs")
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr  # the build is strict: a warning fails it
    pages = {str(page.relative_to(tmp_path / "site")) for page in (tmp_path / "site").rglob("*.html")}
    wanted = "index changelog rules log-format from-dead-to-rescued ready-figures api/diagnostics api/lenet api/reports"
    assert {f"{page}.html" for page in wanted.split()} <= pages
    reference = (tmp_path / "site/api/diagnostics.html").read_text(encoding="utf-8")
    assert 'id="diagnostics.log.reader.open_run"' in reference
    assert 'id="diagnostics.run.run.Run.tensor_frame"' in reference
