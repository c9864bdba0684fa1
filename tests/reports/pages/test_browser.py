"""Reports in real headless Chromium: nothing is fetched, nothing complains, nothing sticks out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from diagnostics.replay import replay
from diagnostics.replay.opened import open_origin
from reports.pages import html, study_page
from reports.pages.origin_page import write_origin
from reports.pages.run_page import write_report
from tests.helpers import synthetic_runs as synthetic
from tests.helpers.broken_runs import broken_log
from tests.helpers.browser import Browser

pytestmark = pytest.mark.browser

CONTRAST = """
(() => {
  const channel = c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = rgb => { const [r, g, b] = rgb.match(/[\\d.]+/g).map(Number);
    return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b); };
  const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
    if (!/, 0\\)$/.test(c) && c !== 'transparent') return c; } return 'rgb(255, 255, 255)'; };
  return [...document.querySelectorAll('h1, h2, h3, p, a, dt, dd, th, td, b, span, figcaption, code, summary')]
    .filter(e => e.textContent.trim())
    .map(e => { const a = light(getComputedStyle(e).color), b = light(behind(e));
      return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.outerHTML.slice(0, 80)]; })
    .sort((x, y) => x[0] - y[0])[0];
})()
"""
TOO_WIDE = """
[...document.querySelectorAll('body *')]
  .filter(e => { const r = e.getBoundingClientRect();
    return r.width > 0 && r.left > -1000 && r.right > innerWidth + 0.5; })
  .map(e => e.outerHTML.slice(0, 100))
"""

BROKEN_WORDS = """
(() => {
  const broken = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    if (!node.parentElement.closest('th, td') || !node.parentElement.checkVisibility()) continue;
    for (const word of node.data.matchAll(/[A-Za-z]{2,25}/g)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map(line => Math.round(line.top))).size > 1) broken.push(word[0]);
    }
  }
  return broken;
})()
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture(scope="module", params=["dead", "healthy", "study", "origin"])
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "study":
        return html.write(study_page.build(synthetic.study()), folder)
    if request.param == "origin":
        return write_origin(open_origin(replay(broken_log())), folder)
    name = "<script>document.title = 'ran'</script>" + "a-very-long-name-" * 8
    return write_report(getattr(synthetic, request.param)(name=name), folder)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [380, 800, 1400])
def test_a_page_fits_its_window_without_a_complaint_or_a_request(browser, page, width, dark):
    browser.open(page, width, dark)

    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.run(TOO_WIDE) == []
    assert browser.complaints == []
    assert browser.requests == []


@pytest.mark.parametrize("width", [380, 800])
def test_no_word_of_a_table_is_broken(browser, page, width):
    browser.open(page, width)

    assert browser.run(BROKEN_WORDS) == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(browser, page, dark):
    browser.open(page, 800, dark)
    ratio, where = browser.run(CONTRAST)

    assert ratio >= 4.5, where


def test_the_style_sheet_and_the_figures_pass_the_pages_own_policy(browser, page):
    browser.open(page, 800)

    assert browser.run("getComputedStyle(document.body).maxWidth") == "992px"
    assert browser.run("[...document.images].length") > 2
    assert browser.run("[...document.images].every(i => i.naturalWidth > 500)")


def test_figures_stand_on_a_white_card_in_the_dark(browser, page):
    browser.open(page, 800, dark=True)

    assert browser.run("getComputedStyle(document.querySelector('.card')).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(22, 24, 27)"


def test_a_name_like_a_script_does_not_run(browser, page):
    browser.open(page, 800)

    assert browser.run("document.scripts.length") == 0
    assert browser.run("document.title") != "ran"


def test_everything_that_can_be_used_is_reached_with_the_tab_key(browser, page):
    browser.open(page, 380)
    wanted = browser.run("document.querySelectorAll('a, summary, input, .card, pre').length")
    reached = set()
    for _ in range(wanted + 5):
        browser.press("Tab")
        reached.add(browser.run("[...document.querySelectorAll('*')].indexOf(document.activeElement)"))
        if len(reached) == 1:
            assert browser.run("document.activeElement.className") == "skip"

    inside = "a, summary, input, .card, pre"
    hidden = browser.run(f"[...document.querySelectorAll('{inside}')].filter(e => !e.checkVisibility()).length")
    assert len(reached) >= wanted - hidden


def test_a_figure_can_be_enlarged_on_a_narrow_screen_inside_its_own_frame(browser, page):
    browser.open(page, 380)
    browser.run("document.querySelector('.zoom').click()")

    assert browser.run("document.querySelector('.card img').getBoundingClientRect().width") > 700
    assert browser.run("document.documentElement.scrollWidth") <= 380


def test_a_page_can_be_printed(browser, page):
    browser.open(page, 800)
    printed = browser.pdf()

    assert printed.startswith(b"%PDF")
    assert printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ") + printed.count(b"/Type /Page/") >= 2
