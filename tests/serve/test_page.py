"""The playground in a real browser."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from capotasto.serve import keys
from capotasto.session import Base
from tests import chromium
from tests.chromium import browser  # noqa: F401 (a fixture)
from tests.serve.serving import Served, served

PROMPT = "a b c"

pytestmark = chromium.needed


@pytest.fixture
def visit(browser: Any) -> Iterator[Any]:  # noqa: F811
    """Opens the page of a server. Faults of its scripts, and requests to anybody else, fail the test."""
    faults: list[str] = []
    contexts = []

    def open_page(server: Served, **how: Any) -> Any:
        home = f"http://127.0.0.1:{server.port}/"
        context = browser.new_context(**how)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda one: one.url.startswith((home, "data:")) or faults.append(one.url))
        page.on("console", lambda one: "Content Security" in one.text and faults.append(one.text))
        page.goto(home)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not faults


def ask(page: Any, *models: str, **fields: str) -> Any:
    """Run the prompt with these models and wait until all are done; their cards by name."""
    page.wait_for_selector("#models input")
    for box in page.query_selector_all("#models input"):
        box.set_checked(box.get_attribute("value") in models)
    page.fill("#prompt", PROMPT)
    for name, value in {"max_tokens": "6", **fields}.items():
        page.fill(f"#{name}", value)
    page.press("#prompt", "Control+Enter")
    page.wait_for_function(
        "n => document.querySelectorAll('article').length === n && !document.querySelector('.running')"
        " && !document.getElementById('run').disabled",
        arg=len(models),
    )
    cards = {card.query_selector("h2").inner_text(): card for card in page.query_selector_all("article")}
    return {name.removesuffix(" (base)"): card for name, card in cards.items()}


def text_of(card: Any) -> str:
    return card.query_selector(".text").text_content()


def test_base_and_adapters_answer_beside_each_other_as_the_api_does(server: Served, visit: Any):
    page = visit(server)
    page.select_option("#form-of", "text")
    names = (server.service.name, "support", "quotes")
    cards = ask(page, *names)
    assert set(cards) == set(names)
    for name, card in cards.items():
        body = {"model": name, "prompt": PROMPT, "max_tokens": 6, "temperature": 0, "seed": 0}
        assert text_of(card) == server.post("/v1/completions", **body).json["choices"][0]["text"]
        assert "first after" in card.query_selector(".facts").inner_text()


def test_a_head_shows_its_labels_and_a_refusal_its_reason(server: Served, visit: Any):
    page = visit(server)
    cards = ask(page, "moods", "support", max_tokens="4000")
    said = server.post("/v1/classify", model="moods", input=PROMPT).json["data"][0]["probabilities"]
    likeliest = max(said, key=said.get)
    assert text_of(cards["moods"]).startswith(likeliest)
    assert f"{100 * said[likeliest]:.1f} %" in text_of(cards["moods"])
    assert "4000" in text_of(cards["support"])
    assert "failed" in cards["support"].get_attribute("class")


def test_a_request_can_be_copied_as_curl_and_run(server: Served, visit: Any):
    page = visit(server, permissions=["clipboard-read", "clipboard-write"])
    page.select_option("#form-of", "text")
    card = ask(page, "support")["support"]
    card.query_selector(".curl").click()
    page.wait_for_selector("button.curl:text('Copied')")
    command = page.evaluate("navigator.clipboard.readText()")
    heard = subprocess.run(["bash", "-c", f"{command} -s"], capture_output=True, text=True, check=True, timeout=60)
    assert heard.stdout.startswith("data: {")
    assert heard.stdout.rstrip().endswith("data: [DONE]")


def test_a_key_is_asked_for_and_shows_only_its_own_adapters(base: Base, shelf: Path, tmp_path: Path, visit: Any):
    file = tmp_path / "keys.yaml"
    key = keys.add(file, "me", ["support"])
    with served(base, keys=file, adapters_dir=shelf) as running:
        page = visit(running)
        page.wait_for_selector("#server:text('key')")
        assert not page.query_selector_all("#models input")
        page.fill("#key", key)
        page.keyboard.press("Tab")
        page.wait_for_selector("#models input")
        assert [box.get_attribute("value") for box in page.query_selector_all("#models input")] == [
            running.service.name,
            "support",
        ]
        assert text_of(ask(page, "support")["support"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1400])
def test_it_fits_every_width_and_can_be_read(server: Served, visit: Any, scheme: str, width: int):
    page = visit(server, viewport={"width": width, "height": 800}, color_scheme=scheme)
    ask(page, server.service.name, "moods")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    style = "getComputedStyle(document.body)"
    assert page.evaluate(f"{style}.color") != page.evaluate(f"{style}.backgroundColor")
    fields = "[...document.querySelectorAll('input, select, textarea')]"
    assert page.evaluate(f"{fields}.every(one => one.labels?.length || one.ariaLabel)")


def test_files_forbid_everything_from_elsewhere(server: Served):
    for path in ("/", "/playground.css", "/playground.js"):
        heard = server.get(path)
        assert heard.status == 200
        assert "default-src 'none'" in heard.headers["content-security-policy"]
        assert b"://" not in heard.content
