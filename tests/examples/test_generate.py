"""The generator notices what is out of date, and fills the README from a demonstration."""

import json
import sys

import pytest

from tests.examples.pages import ROOT

README = "before\n<!-- before-after -->\nstale\n<!-- /before-after -->\nafter\n"
RUN = {
    "name": "quotes",
    "base": {"name": "tiny", "source": "a folder", "dtype": "float32"},
    "scores": {
        "base": {"loss": {"value": 3.5, "low": 3.4, "high": 3.6}},
        "tuned": {"loss": {"value": 3.1, "low": 3.0, "high": 3.2}, "accuracy": {"value": 0.5, "low": 0.4, "high": 0.6}},
    },
    "verdict": "It helps: held-out loss 3.5 for the base.",
    "samples": [{"prompt": "Say | it", "wanted": "", "base": "No.\nNever.", "tuned": "word " * 40}],
}
RUN["scores"]["base"]["accuracy"] = {"value": 0.25, "low": 0.2, "high": 0.3}


def test_the_generated_parts_are_up_to_date(generate):
    """If not: `make docs`."""
    for path, content in generate.wanted().items():
        assert path.read_text(encoding="utf-8") == content, path.name


def test_check_names_what_differs_and_writing_mends_it(generate, tmp_path, monkeypatch):
    page = tmp_path / "docs" / "methods.md"
    page.parent.mkdir()
    page.write_text("old", encoding="utf-8")
    monkeypatch.setattr(generate, "DOCS", page.parent)
    monkeypatch.setattr(generate, "wanted", lambda: {page: "new"})
    monkeypatch.setattr(sys, "argv", ["generate.py", "--check"])
    with pytest.raises(SystemExit, match=r"out of date: docs/methods.md; run `make docs`"):
        generate.main()
    assert page.read_text(encoding="utf-8") == "old"
    monkeypatch.setattr(sys, "argv", ["generate.py"])
    generate.main()
    assert page.read_text(encoding="utf-8") == "new"
    monkeypatch.setattr(sys, "argv", ["generate.py", "--check"])
    generate.main()


def test_the_readme_is_filled_from_a_demonstration(generate, tmp_path):
    source = tmp_path / "demo.json"
    source.write_text(json.dumps({"runs": [RUN]}), encoding="utf-8")
    text = generate.demonstration.filled(README, source)
    assert text.startswith("before\n<!-- before-after -->\n")
    assert text.endswith("<!-- /before-after -->\nafter\n")
    assert "stale" not in text
    assert "| `quotes` | loss | 3.500 (3.400–3.600) | 3.100 (3.000–3.200) | It helps |" in text
    assert "25.0 % (20.0–30.0) | 50.0 % (40.0–60.0)" in text
    assert "Say \\| it | No. Never. | word word" in text
    assert generate.demonstration.filled(text, source) == text


def test_without_a_demonstration_the_readme_stays(generate, tmp_path):
    assert generate.demonstration.filled(README, tmp_path / "demo.json") == README


def test_the_readme_has_its_marked_place(generate):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(generate.demonstration.PLACE.findall(text)) == 1
