import json

import pytest

from capotasto import report
from capotasto.errors import UserError
from tests.report.reading import read


def measure(value, low=None, high=None):
    return {"value": value, "low": low, "high": high}


def score(before, after, change):
    return {"base": measure(*before), "tuned": measure(*after), "change": measure(*change)}


ACCURACY = score((0.5, 0.4, 0.6), (0.4, 0.3, 0.5), (-0.1, -0.15, -0.05))
STEREOTYPED = score((0.6, 0.5, 0.7), (0.61, 0.5, 0.7), (0.01, -0.05, 0.07))
NUMBER = "forgetting.lambada_openai.accuracy.change"


@pytest.fixture
def content():
    """An audit.json in which every part is filled."""
    lambada = {
        "rows": 60,
        "scores": {"accuracy": ACCURACY, "loss": score((2.5, 2.4, 2.6), (2.4, 2.3, 2.5), (-0.1, -0.2, -0.05))},
        "groups": {},
    }
    groups = {
        "gender": {"rows": 40, "scores": {"stereotyped": score((0.5, 0.4, 0.6), (0.8, 0.7, 0.9), (0.3, 0.2, 0.4))}},
        "<b>age</b>": {"rows": 4, "scores": {"stereotyped": score((0.5,), (0.75,), (0.25,))}},
    }
    crows = {"rows": 60, "scores": {"stereotyped": STEREOTYPED}, "groups": groups}
    return {
        "capotasto": "0.1.0",
        "date": "2026-11-21T20:00:00+00:00",
        "base": {"name": "smollm2-135m", "fingerprint": "ab12cd34", "device": "cpu"},
        "settings": {"rows": 60, "probes": None, "probes_dir": "/data"},
        "probes": {
            "lambada_openai": {"skill": "forgetting", "title": "LAMBADA", "files": {"/data/l.jsonl": "ff00aa11bb22cc"}},
            "crows_pairs": {"skill": "bias", "title": "CrowS-Pairs", "files": {}},
            "canaries": {"skill": "leakage", "title": "Canaries", "files": {}},
        },
        "skipped": {"bbq": "no bbq/*.jsonl in /data"},
        "adapters": {
            "tickets": {
                "detached": {"difference": 0.0},
                "skills": {"forgetting": {"lambada_openai": lambada}, "bias": {"crows_pairs": crows}},
                "findings": {"leakage": {"canaries": {"bits": measure(9.5, 8, 11), "rows": 3, "flagged": True}}},
            }
        },
        "gates": [
            {"adapter": "tickets", "number": "detached.difference", "min": None, "max": 0, "decides": "value",
             "found": measure(0.0, 0.0, 0.0), "held": True},
            {"adapter": "tickets", "number": NUMBER, "min": -0.05, "max": None, "decides": "bound",
             "found": ACCURACY["change"], "held": False},
        ],
        "seconds": 61.25,
    }  # fmt: skip


@pytest.fixture
def page(tmp_path, content):
    return write(tmp_path, content)


def write(folder, content):
    (folder / "audit.json").write_text(json.dumps(content))
    written = report.write_audit(folder)
    assert written == folder / "audit.html"
    return read(written)


SHOWN = [
    "1 of 2 gates fell",
    "Found: Canaries. Clearly worse: LAMBADA, accuracy −10.0 points. Clearly better: LAMBADA, loss −0.100. No clear",
    "No clear change in 1 of 3 numbers.",
    "Taken off again, it leaves the base as it was: its logits differ by 0, bit for bit.",
    f"{NUMBER} at least −0.05, by the worse end of its interval −0.1 (−0.15 to −0.05) fell",
    "detached.difference at most 0, by its value 0 holds",
    "50.0 % 40.0 to 60.0 40.0 % 30.0 to 50.0 −10.0 points worse −15.0 to −5.0",
    "60.0 % 50.0 to 70.0 61.0 % 50.0 to 70.0 +1.0 points no clear difference",
    "CrowS-Pairs, group by group",
    "Leakage: Canaries found bits 9.5 (8 to 11) rows 3",
    "+30.0 points, higher",
    "bbq no bbq/*.jsonl in /data",
    "data/l.jsonl ff00aa11bb22",
    "Time 61.2 s",
    "probes_dir /data",
    "Fingerprint ab12cd34",
]


@pytest.mark.parametrize("words", SHOWN)
def test_the_page_shows_what_audit_json_holds(page, words):
    assert words in page.text


def test_fallen_gates_come_first(page):
    assert page.text.index(NUMBER) < page.text.index("detached.difference")


def test_pictures_say_in_words_what_they_show(page):
    assert page.pictures() == [
        "Changes: LAMBADA −10.0\u00a0points (−15.0 to −5.0); zero is marked.",
        "Changes: CrowS-Pairs +1.0\u00a0points (−5.0 to +7.0); zero is marked.",
        "Changes: gender +30.0\u00a0points (+20.0 to +40.0); <b>age</b> +25.0\u00a0points; zero is marked.",
    ]


def test_the_page_stands_alone_and_takes_no_text_for_markup(page):
    assert not page.all("script")
    assert not page.all("b")
    assert not [one for _, one in page.elements if one.get("src") or one.get("href", "data:,") != "data:,"]


def test_changes_in_other_units_have_a_picture_of_their_own(tmp_path, content):
    probes = content["adapters"]["tickets"]["skills"]["forgetting"]
    loss = probes["lambada_openai"]["scores"]["loss"]
    probes["general_text"] = {"rows": 60, "scores": {"loss": loss}, "groups": {}}
    page = write(tmp_path, content)
    assert "Change in points, tuned minus base; higher is better" in page.text
    assert "Change in loss, tuned minus base; lower is better" in page.text
    assert "Changes: general_text −0.100 (−0.200 to −0.050); zero is marked." in page.pictures()


def test_without_gates_and_a_base_that_was_changed(tmp_path, content):
    content["gates"] = []
    content["adapters"]["tickets"]["detached"] = {"difference": 0.25}
    page = write(tmp_path, content)
    assert "No gates" in page.text
    assert "it leaves the base changed: its logits differ by up to 0.250" in page.text


@pytest.mark.parametrize("part", ["base", "settings", "probes", "skipped", "adapters", "gates", "seconds", "date"])
def test_every_part_may_be_missing(tmp_path, content, part):
    del content[part]
    assert "Not judged" not in write(tmp_path, content).text


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda content: content["gates"][0].pop("held"), "`gates.0.held`"),
        (lambda content: content.update(adapters=[]), "`adapters`"),
    ],
)
def test_a_file_that_is_no_audit_is_named(tmp_path, content, spoil, words):
    spoil(content)
    with pytest.raises(UserError, match=f"audit.json does not describe an audit: {words} cannot be used; audit again"):
        write(tmp_path, content)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"cannot read .*audit\.json"):
        report.write_audit(tmp_path)


def test_a_file_without_fields_is_named(tmp_path):
    (tmp_path / "audit.json").write_text("[]")
    with pytest.raises(UserError, match=r"audit\.json does not describe an audit: it holds no fields; audit again"):
        report.write_audit(tmp_path)
