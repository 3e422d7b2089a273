"""The page of a comparison in a real browser: narrow and wide, light and dark, also with a stranger's texts."""

import copy

import pytest

from capotasto.comparing.conclude import conclude
from tests import chromium
from tests.chromium import browser  # noqa: F401 (a fixture)
from tests.comparing import comparisons

pytestmark = chromium.needed

WIDTHS = (1280, 390)
SCHEMES = ("light", "dark")
# What sticks out of the window sideways, outside of what may be scrolled; and texts too small to read.
STRAY = """() => [...document.querySelectorAll('main *')].filter(one => {
  if (one.closest('.scroll') || one.closest('details:not([open])') || !one.getClientRects().length) return false;
  const box = one.getBoundingClientRect();
  return box.width && (box.left < -0.5 || box.right > innerWidth + 0.5);
}).map(one => one.outerHTML.slice(0, 120))"""
SMALL = """() => [...document.querySelectorAll('svg text, main p, main td, main small, .said, .who')]
  .filter(one => parseFloat(getComputedStyle(one).fontSize) < 11).map(one => one.outerHTML.slice(0, 120))"""
COVERED = """() => [...document.querySelectorAll('.ranking li')].flatMap(row => {
  const boxes = [...row.children].map(one => one.getBoundingClientRect()).filter(one => one.width && one.height);
  const across = (one, other) => one.left < other.right - 1 && other.left < one.right - 1;
  const down = (one, other) => one.top < other.bottom - 1 && other.top < one.bottom - 1;
  const covered = boxes.some((one, i) => boxes.slice(i + 1).some(other => across(one, other) && down(one, other)));
  return covered ? [row.outerHTML.slice(0, 120)] : [];
})"""
COLOURS = """() => {
  const rgb = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const card = rgb(getComputedStyle(document.querySelector('.card')).backgroundColor);
  const marks = [...document.querySelectorAll('.icon path')].map(one => rgb(getComputedStyle(one).stroke));
  return { card, marks };
}"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """An ordinary comparison with an audit, and one with a stranger's texts."""
    content, answers = comparisons.record(80)
    content["audit"] = comparisons.AUDIT
    content["contenders"].append(
        comparisons.unfinished("documents", "skipped", "no documents; name a folder with --docs")
    )
    strange = copy.deepcopy(content)
    strange["rows"] = [{"prompt": "<b>" + "x" * 10_000, "wanted": "שלום עולם \u202e abc"} for _ in strange["rows"]]
    strange["data"] |= {"labels": ["long" * 20, "א" * 30, "<i>", "a b " * 20], "path": "y" * 300}
    strange["contenders"][3]["name"] = "a-contender-with-a-very-long-name-" * 3
    made = {}
    for name, one in (("ordinary", content), ("strange", strange)):
        folder = comparisons.write(tmp_path_factory.mktemp(name), one, answers)
        conclude(folder)
        made[name] = folder / "report.html"
    return made


@pytest.fixture
def visit(browser, pages):  # noqa: F811
    contexts, faults = [], []

    def open_page(name, width, scheme):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda one: faults.append(one.text))
        page.on("request", lambda one: one.url.startswith(("file:", "data:")) or faults.append(one.url))
        page.goto(pages[name].as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not faults


@pytest.mark.parametrize("name", ["ordinary", "strange"])
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_sticks_out_or_lies_on_something_else(visit, name, width):
    page = visit(name, width, "light")
    for part in page.query_selector_all("details.contender")[:3]:
        part.query_selector("summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(STRAY) == []
    assert page.evaluate(SMALL) == []
    assert page.evaluate(COVERED) == []


def _luminance(colour):
    linear = [part / 3294.6 if part <= 10.31 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_marks_stand_out_from_the_card(visit, scheme):
    """At least 3 to 1, as WCAG 2.2 asks of what a picture needs (success criterion 1.4.11)."""
    found = visit("ordinary", 1280, scheme).evaluate(COLOURS)
    card = _luminance(found["card"])
    for mark in map(_luminance, found["marks"]):
        assert (max(mark, card) + 0.05) / (min(mark, card) + 0.05) >= 3
    assert len({tuple(mark) for mark in found["marks"]}) == 4


def test_a_link_in_the_ranking_opens_its_contender(visit):
    page = visit("ordinary", 1280, "light")
    page.click(".ranking a >> nth=1")
    page.wait_for_selector("details[open] #contender-2", timeout=5000)
