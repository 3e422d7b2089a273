import copy
import json
from math import log

import pytest

from capotasto import report
from capotasto.comparing.conclude import conclude
from capotasto.errors import UserError
from capotasto.report import reliability
from capotasto.report.amounts import Amounts
from capotasto.report.tradeoff import Placed, front
from tests.comparing import comparisons
from tests.refusing import refused
from tests.report.reading import read


@pytest.fixture(scope="module")
def made():
    return comparisons.record(80)


@pytest.fixture
def folder(tmp_path, made):
    """Writes a comparison with some changes, concludes it and returns its folder."""

    def write(**changes):
        content, answers = copy.deepcopy(made)
        folder = comparisons.write(tmp_path / "compared", {**content, **changes}, answers)
        conclude(folder)
        return folder

    return write


def test_the_page_shows_what_the_record_holds(folder, made):
    content, _ = copy.deepcopy(made)
    content["contenders"].append(
        comparisons.unfinished("documents", "skipped", "no documents; name a folder with --docs")
    )
    path = folder(contenders=content["contenders"])
    record = json.loads((path / "compare.json").read_text())
    page = read(path / "report.html")
    for words in (
        "tickets.csv on smollm2-135m",
        "Recommended: " + record["recommendation"]["choice"],
        record["recommendation"]["text"],
        *record["recommendation"]["reasons"],
        "80 of 999 test rows were judged",
        "documents skipped: no documents; name a folder with --docs",
        "538 MB",
        "Time taken 18 min 28 s",
        "Rows, train 600",
        "What lora does, in one sentence for people.",
        "lr 0.003",
    ):
        assert words.replace("\u00a0", " ") in page.text, words
    for name in record["ranking"]:
        value = 100 * next(one for one in content["contenders"] if one["name"] == name)["scores"]["accuracy"]["value"]
        assert any(said.startswith(f"{name}: {value:.1f}") for said in page.pictures()), name


def test_pictures_say_in_words_what_they_show(folder):
    said = folder().joinpath("report.html").read_text(encoding="utf-8")
    pictures = read(folder() / "report.html").pictures()
    assert sum("against" in one and "On the front:" in one for one in pictures) == 6
    assert sum(one.startswith("Reliability of") for one in pictures) == 12
    assert sum("rows went better" in one for one in pictures) == 11
    assert sum("over training rows" in one for one in pictures) == 2
    assert "<script" not in said


def test_the_page_stands_alone_and_its_headings_have_no_gaps(folder):
    page = read(folder() / "report.html")
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    for _, attributes in page.elements:
        for name in {"src", "href"} & attributes.keys():
            assert attributes[name].startswith("data:") or attributes[name].removeprefix("#") in ids
    page.check_headings()


def test_an_audit_shows_what_changed_and_its_absence_says_how_to_get_one(folder):
    assert "Not measured. capo audit asks an adapter" in read(folder() / "report.html").text
    page = read(folder(audit=comparisons.AUDIT) / "report.html")
    assert any("LAMBADA −5.0\u00a0points (−11.0 to −1.0)" in said for said in page.pictures())
    assert any("General text +0.021" in said for said in page.pictures())
    assert "Clearly worse: LAMBADA, accuracy −5.0 points" in page.text


def test_marks_are_full_where_the_base_is_left_behind_after_correction(folder):
    path = folder()
    record = json.loads((path / "compare.json").read_text())
    text = (path / "report.html").read_text(encoding="utf-8")
    for name, one in record["comparisons"].items():
        if name == "zero-shot":
            continue
        row = text.split(f'aria-label="{name}: ', 1)[1].split("</li>", 1)[0]
        assert ("full" in row.split("</svg>", 1)[0]) == (one["against_base"]["p"] < 0.05)
        assert ("not told from the base" in row) == (one["against_base"]["p"] >= 0.05)


def test_a_strangers_texts_stay_texts_and_do_not_fill_the_page(folder, made):
    hostile = "<script>alert(1)</script>\"'><img src=x onerror=y>{{ 7*7 }}"
    content, _ = copy.deepcopy(made)
    rows = [{"prompt": f"{hostile} {'x' * 10_000}", "wanted": "שלום עולם \u202e abc"} for _ in content["rows"]]
    labels = [f"{hostile} {place}" for place in range(4)]
    for one in content["contenders"]:
        one["how"], one["settings"] = hostile, {hostile: hostile}
    path = folder(
        rows=rows,
        data={**content["data"], "labels": labels, "path": hostile},
        contenders=content["contenders"],
        settings={hostile: hostile},
        docs=hostile,
    )
    page = read(path / "report.html")
    assert page.all("script") == page.all("img") == []
    assert page.text.count("{{ 7*7 }}") > 20
    assert f"({len(rows[0]['prompt']):,} characters)" in page.text
    assert (path / "report.html").stat().st_size < 2_000_000


def test_a_contender_with_a_hostile_name_stays_a_name(tmp_path, made):
    content, answers = copy.deepcopy(made)
    content["contenders"][1]["name"] = '<b>few</b> & "shot"'
    folder = comparisons.write(tmp_path, content, answers)
    conclude(folder)
    page = read(folder / "report.html")
    assert '<b>few</b> & "shot"' in page.text
    assert not page.all("b")[1:]


@pytest.mark.parametrize(
    "name",
    [
        "capotasto",
        "date",
        "base",
        "docs",
        "settings",
        "budget_seconds",
        "seconds",
        "curve",
        "audit",
        "wizard",
        "notes",
        "nothing",
    ],
)
def test_what_is_not_known_is_left_out(tmp_path, made, name):
    content, answers = copy.deepcopy(made)
    content[name] = None
    assert (comparisons.write(tmp_path, content, answers) / "compare.json").exists()
    conclude(tmp_path)
    assert read(tmp_path / "report.html").all("h1")


def test_texts_without_labels_show_what_was_written(folder, made):
    content, answers = copy.deepcopy(made)
    chance = comparisons.random.Random(1)
    for name, sheet in answers.items():
        sheet |= {"chosen": None, "truth": None, "chances": None, "written": [f"answer of {name}"] * 80}
        sheet["quality"] = [round(chance.random(), 3) for _ in range(80)]
    for one in content["contenders"]:
        quality = answers[one["name"]]["quality"]
        one["scores"] = {"rouge_l": {"value": sum(quality) / 80, "low": 0.4, "high": 0.6}}
    content |= {"metric": "rouge_l", "data": {**content["data"], "labels": []}}
    folder = comparisons.write(folder().parent / "texts", content, answers)
    conclude(folder)
    page = read(folder / "report.html")
    assert "answer of lora" in page.text
    assert "Which labels were confused" not in page.text
    assert "Can the probabilities be believed?" not in page.text


def test_a_comparison_without_any_contender_has_a_page(tmp_path, made):
    content, _ = copy.deepcopy(made)
    content["contenders"] = [comparisons.unfinished("lora", "failed", "out of memory", "training")]
    content["curve"] = []
    conclude(comparisons.write(tmp_path, content, {}))
    page = read(tmp_path / "report.html")
    assert "No recommendation" in page.text
    assert "lora failed: out of memory" in page.text
    assert page.pictures() == []


# what is changed in compare.json, or in lora's answers; words of the message
BAD = [
    ({"metric": 3.5, "contenders": 7}, {}, ["compare.json does not describe a comparison: `contenders`", "again"]),
    ({"rows": []}, {}, ["answers.json does not fit its comparison: `nats` has 80 items for 0 test rows", "--force"]),
    ({}, {"quality": None}, ["`quality` has 0 items for 80 test rows", "--force"]),
    ({}, {"chosen": [9] * 80}, ["names a label beyond the 4 of the data"]),
    ({}, {"truth": [-2] * 80}, ["names a label beyond the 4 of the data"]),
    ({}, {"chances": [[0.0]] * 80}, ["`chances` must have one number for each of the 4 labels"]),
    ({}, {"chances": [[float("nan")] * 4] * 80}, ["`chances` must have one number"]),
    ({}, {"quality": ["high"] * 80}, ["answers.json does not describe a comparison: `quality.0` cannot be used"]),
    (
        {"ranking": ["nobody"]},
        {},
        ["compare.json does not describe a comparison: `ranking` or", "names 'nobody', which", "--force"],
    ),
]


@pytest.mark.parametrize(("changes", "answered", "words"), BAD)
def test_message_names_cause_place_and_remedy(tmp_path, made, changes, answered, words):
    content, answers = copy.deepcopy(made)
    answers["lora"] |= answered
    comparisons.write(tmp_path, {**content, **changes}, answers)
    with refused(*words):
        report.write_compare(tmp_path)
    assert not (tmp_path / "report.html").exists()


def test_answers_outside_of_the_folder_are_not_read(tmp_path, made):
    content, answers = copy.deepcopy(made)
    folder = comparisons.write(tmp_path / "in", content, answers)
    (tmp_path / "out.json").write_text(json.dumps(answers["lora"]))
    content["contenders"][0]["answers"] = "../out.json"
    comparisons.write(folder, content, {})
    with pytest.raises(UserError, match=r"answers of 'zero-shot' lie outside of the folder"):
        report.write_compare(folder)


def test_a_folder_without_a_comparison_is_named(tmp_path):
    with pytest.raises(UserError, match=r"no comparison in .*compare\.json; name a folder"):
        report.write_compare(tmp_path)


def test_on_the_front_nobody_is_better_for_less():
    points = [
        Placed(0, str(place), "", score, cost)
        for place, (score, cost) in enumerate(
            [(0.6, 0), (0.7, 0), (0.65, 5), (0.9, 100), (0.9, 50), (0.95, 200), (0.5, 300)]
        )
    ]
    assert [one.name for one in front(points, False, False)] == ["1", "4", "5"]
    assert [one.name for one in front(points, True, False)] == ["0", "6"]
    assert [one.name for one in front(points, False, True)] == ["6", "5"]


def test_costs_of_nought_stand_apart_from_the_others():
    scale = Amounts.of([0, 10, 1000, 100_000])
    places = [scale.share(value) for value in (0, 10, 1000, 100_000)]
    assert places == sorted(places)
    assert places[3] - places[2] == pytest.approx(places[2] - places[1])
    assert places[1] - places[0] > 0.1
    assert scale.ticks("{:g}".format)[0][1] == "0"
    assert Amounts.of([0, 0]).share(0) == pytest.approx(0.04)
    assert [words for _, words in Amounts.of([100, 300]).ticks("{:g}".format)] == ["100", "200", "300"]


def test_reliability_is_by_tenths_of_the_told_probability():
    chances = [[log(0.95), log(0.05)]] * 4 + [[log(0.35) + 2, log(0.65) + 2]] * 2
    found = reliability.bins(chances, [0, 0, 0, 1, 1, 0])
    assert [(one.rows, round(one.told, 6), one.right) for one in found] == [(2, 0.65, 0.5), (4, 0.95, 0.75)]
    assert reliability.calibration_error(found) == pytest.approx((2 * 0.15 + 4 * 0.2) / 6)
    assert reliability.bins([[0.0, float("-inf")]], [0])[0].told == 1
