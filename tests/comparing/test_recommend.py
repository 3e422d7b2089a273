"""What a comparison comes to: who is ranked where, who is chosen, and what is said about it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from capotasto.comparing.conclude import conclude
from capotasto.comparing.price import cheap, price
from capotasto.comparing.ranking import ranking
from capotasto.comparing.recommend import recommend
from capotasto.comparing.wizard_settings import WizardSettings
from capotasto.evaluate.bootstrap import resamples
from capotasto.evaluate.paired import against, holm
from capotasto.records import read_json
from capotasto.report import format
from tests.comparing import comparisons

Made = tuple[dict[str, Any], dict[str, Any]]


def scored(shares: dict[str, float], rows: int = 100, costs: dict[str, Any] | None = None) -> Made:
    """Contenders that are right on the first part of the rows, each to its own share, the base among them."""
    content, answers = comparisons.record(rows, tuple(shares))
    for one in content["contenders"]:
        right = round(shares[one["name"]] * rows)
        sheet = answers[one["name"]]
        sheet["quality"] = [1] * right + [0] * (rows - right)
        pairs = zip(sheet["truth"], sheet["quality"], strict=True)
        sheet["chosen"] = [true if good else (true + 1) % 4 for true, good in pairs]
        one["scores"] = {"accuracy": {"value": right / rows, "low": right / rows - 0.05, "high": right / rows + 0.05}}
        one["costs"].update((costs or {}).get(one["name"], {}))
    return content, answers


def recommended(made: Made, **wizard: bool) -> dict[str, Any]:
    content, answers = made
    found = recommend({**content, "wizard": wizard or None}, answers)["recommendation"]
    assert found["choice"] is None or found["text"].count(". ") == 1, "two sentences"
    return found


def test_all_contenders_are_ranked_and_compared() -> None:
    content, answers = comparisons.record()
    content["contenders"].append(comparisons.unfinished("bottleneck", "failed", "out of memory"))
    found = recommend(content, answers)
    values = {one["name"]: one["scores"]["accuracy"]["value"] for one in content["contenders"] if one["scores"]}
    assert [values[name] for name in found["ranking"]] == sorted(values.values(), reverse=True)
    assert set(found["comparisons"]) == set(values)
    best = found["ranking"][0]
    for name, one in found["comparisons"].items():
        assert set(one) == {"against_base", "against_best"} - ({"against_base"} if name == "zero-shot" else set()) - (
            {"against_best"} if name == best else set()
        )
        if name != "zero-shot":
            assert one["against_base"]["value"] == pytest.approx(values[name] - values["zero-shot"])
    json.dumps(found, allow_nan=False)


def test_differences_are_those_of_the_rows_and_corrected_for_all() -> None:
    content, answers = comparisons.record()
    found = recommend(content, answers)["comparisons"]
    weights = resamples(200)
    names = [name for name in answers if name != "zero-shot"]
    shares = {name: weights @ np.array(sheet["quality"]) / 200 for name, sheet in answers.items()}
    plain = against(np.array([shares[name] for name in names]), shares["zero-shot"], 200)
    corrected = holm(np.array([one.p for one in plain]))
    for name, one, p in zip(names, plain, corrected, strict=True):
        expected = {"value": one.value, "low": one.low, "high": one.high, "p": p}
        assert found[name]["against_base"] == pytest.approx(expected)


def test_the_best_is_chosen_where_it_is_clearly_the_best() -> None:
    found = recommended(scored({"zero-shot": 0.4, "few-shot": 0.5, "lora": 0.9}))
    assert found["choice"] == "lora"
    assert found["text"] == (
        "Fine-tune: use lora, with accuracy 90.0 % (85.0 to 95.0) on 100 untouched rows, against 40.0 % (35.0 to 45.0)"
        " of the base alone. It is clearly the best of 3 contenders."
    ).replace(" %", "\u00a0%")
    assert any("The best that is trained does better than the best that is not" in one for one in found["reasons"])
    assert any(one.startswith("Against zero-shot it makes a difference of +50.0") for one in found["reasons"])


@pytest.mark.parametrize(
    ("shares", "costs", "choice", "words"),
    [
        ({"zero-shot": 0.9, "lora": 0.9}, {}, "zero-shot", "Do not fine-tune: use the base as it is"),
        ({"zero-shot": 0.89, "lora": 0.9}, {}, "zero-shot", "Against the best of the others, lora, it differs by −1.0"),
        ({"zero-shot": 0.9, "lora": 0.8}, {}, "zero-shot", "No other contender has a better score."),
        ({"zero-shot": 0.5, "few-shot": 0.9, "lora": 0.8}, {}, "few-shot", "Do not fine-tune: use few-shot"),
        (
            {"zero-shot": 0.5, "head": 0.88, "full": 0.9},
            {},
            "head",
            "It differs from the best score, that of full, by −2.0",
        ),
        (
            {"zero-shot": 0.5, "head": 0.9, "full": 0.89},
            {},
            "head",
            "It has the best score, and nothing that cannot be told from it",
        ),
        ({"zero-shot": 0.5, "lora": 0.9}, {}, "lora", "It is clearly the best of 2 contenders."),
        ({"lora": 0.9}, {}, "lora", "Nothing else could be chosen."),
        # A price that is next to the same does not outweigh a score: 22 tokens more.
        (
            {"zero-shot": 0.3, "instruction": 0.8, "few-shot": 0.82},
            {"few-shot": {"added_tokens": 40}},
            "few-shot",
            "use few-shot",
        ),
        # 240 added tokens are dearer than 12 seconds and 9 kB, and 4,000 seconds are dearer than 240 tokens.
        ({"zero-shot": 0.5, "nearest-shot": 0.9, "head": 0.9}, {}, "head", "Fine-tune: use head"),
        (
            {"zero-shot": 0.5, "nearest-shot": 0.9, "head": 0.9},
            {"head": {"train_seconds": 4000}},
            "nearest-shot",
            "Do not fine-tune: use nearest-shot",
        ),
    ],
)
def test_of_those_level_with_the_best_the_cheap_are_chosen(
    shares: dict[str, float], costs: dict[str, Any], choice: str, words: str
) -> None:
    found = recommended(scored(shares, costs=costs))
    assert found["choice"] == choice
    assert words in found["text"]


def test_doublings_of_tokens_bytes_and_seconds_weigh_alike() -> None:
    assert price({}) == price({"bytes": None, "added_tokens": 0}) == 0
    assert (
        price({"added_tokens": 32}) == price({"bytes": 1e6}) == price({"train_seconds": 40, "search_seconds": 20}) == 1
    )
    assert price({"added_tokens": 96}) == pytest.approx(2)
    assert cheap({"a": {"bytes": 5e6}, "b": {"bytes": 1e6}, "c": {"bytes": 2.9e6}, "d": {"bytes": 3e6}}) == ["b", "c"]


LEVEL = {"zero-shot": 0.5, "nearest-shot": 0.88, "head": 0.9}


def test_behind_an_api_nothing_that_needs_training_is_chosen() -> None:
    found = recommended(scored({"zero-shot": 0.5, "few-shot": 0.7, "lora": 0.9, "hybrid": 0.95}), api_only=True)
    assert found["choice"] == "few-shot"
    assert any("behind an API that takes no adapters" in one for one in found["reasons"])
    none = recommended(scored({"lora": 0.9}), api_only=True)
    assert none["choice"] is None
    assert "Compare again" in none["text"]


@pytest.mark.parametrize("what", ["changing", "per_user"])
def test_where_data_do_not_stay_what_is_not_trained_comes_first_among_equals(what: str) -> None:
    assert recommended(scored(LEVEL))["choice"] == "head"
    found = recommended(scored(LEVEL), **{what: True})
    assert found["choice"] == "nearest-shot"
    assert "and needs no training" in found["text"]
    clear = recommended(scored({**LEVEL, "nearest-shot": 0.6}), **{what: True})
    assert clear["choice"] == "head", "an answer does not outweigh a clear difference"
    assert any("9.40 kB on disk, 16.0 s to prepare" in one.replace("\u00a0", " ") for one in clear["reasons"])


def test_a_retrieval_that_was_not_measured_is_named_where_facts_change() -> None:
    content, answers = scored(LEVEL)
    content["contenders"].append(
        comparisons.unfinished("retrieval", "skipped", "no documents; name a folder with --docs")
    )
    found = recommended((content, answers), changing=True)
    assert any("retrieval was not measured: no documents; name a folder" in one for one in found["reasons"])


FEW, RISING, FLAT = "There are 40 training rows", "head still gets better with more rows", "no longer made head clearly"


@pytest.mark.parametrize(
    ("train", "curve", "said"),
    [
        (40, [], FEW),
        (400, [(100, 0.5), (400, 0.8)], RISING),
        (400, [(100, 0.8), (400, 0.82)], FLAT),
        (400, [(100, 0.8)], None),
        (None, [], None),
    ],
)
def test_few_rows_and_the_learning_curve_are_reasons(
    train: int | None, curve: list[tuple[int, float]], said: str | None
) -> None:
    content, answers = scored(LEVEL)
    content["data"]["rows"]["train"] = train
    points = [{"rows": rows, "value": v, "low": v - 0.05, "high": v + 0.05} for rows, v in curve]
    content["curve"] = [{"contender": "head", "points": points}]
    reasons = " ".join(recommended((content, answers))["reasons"])
    assert [one for one in (FEW, RISING, FLAT) if one in reasons] == ([said] if said else [])


def test_a_score_without_width_does_not_make_a_curve_rise() -> None:
    content, answers = scored(LEVEL)
    points = [
        {"rows": 100, "value": 0.98, "low": 0.94, "high": 1.0},
        {"rows": 400, "value": 1.0, "low": 1.0, "high": 1.0},
    ]
    content["curve"] = [{"contender": "head", "points": points}]
    assert FLAT in " ".join(recommended((content, answers))["reasons"])


def test_who_gives_every_row_the_same_label_is_named() -> None:
    content, answers = scored(LEVEL)
    assert not any("the same label" in one for one in recommended((content, answers))["reasons"])
    answers["head"]["chosen"] = [0] * len(answers["head"]["truth"])
    assert any(
        one.startswith("head gives every row the same label") for one in recommended((content, answers))["reasons"]
    )


def test_a_small_p_is_never_told_as_zero() -> None:
    assert format.chance(0.0) == "p\u00a0<\u00a00.0001"
    assert format.chance(0.012) == "p\u00a0=\u00a00.012"


@pytest.mark.parametrize(
    ("prompted", "words"),
    [
        (0.88, "The best that is trained cannot be told from the best that is not: head against nearest-shot: +2.0"),
        (0.7, "The best that is trained does better than the best that is not: head against nearest-shot: +20.0"),
        (1.0, "The best that is trained does worse than the best that is not: head against nearest-shot: −10.0"),
    ],
)
def test_training_is_held_against_what_needs_none(prompted: float, words: str) -> None:
    reasons = recommended(scored({**LEVEL, "nearest-shot": prompted}))["reasons"]
    assert any(one.startswith(words) for one in reasons)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (0, "No contender that can be used here has answered"),
        (1, "1 test row is too few"),
        (9, "9 test rows are too few"),
    ],
)
def test_too_few_rows_give_a_ranking_and_no_recommendation(rows: int, words: str) -> None:
    found = recommend(*comparisons.record(rows))
    assert found["recommendation"]["choice"] is None
    assert words in found["recommendation"]["text"]
    assert len(found["ranking"]) == (12 if rows else 0)


def test_a_loss_is_better_where_it_is_lower_and_counts_tokens() -> None:
    content, answers = scored({"zero-shot": 0.5, "head": 0.5, "lora": 0.5})
    content |= {"metric": "loss", "lower_is_better": True}
    for name, level in {"zero-shot": 4.0, "head": 2.0, "lora": 3.0}.items():
        sheet = answers[name]
        sheet["tokens"] = [1 + row % 5 for row in range(100)]
        sheet["nats"] = [level * tokens + 0.1 * (row % 3) for row, tokens in enumerate(sheet["tokens"])]
        sheet["quality"] = [-nats / tokens for nats, tokens in zip(sheet["nats"], sheet["tokens"], strict=True)]
        value = sum(sheet["nats"]) / sum(sheet["tokens"])
        next(one for one in content["contenders"] if one["name"] == name)["scores"] = {"loss": {"value": value}}
    found = recommend(content, answers)
    assert found["ranking"] == ["head", "lora", "zero-shot"]
    assert found["recommendation"]["choice"] == "head"
    values = ranking(content, answers).values[:, 0]
    assert values == pytest.approx([one + 9.9 / 300 for one in (2, 3, 4)])


def test_a_choice_of_no_label_is_wrong_also_where_the_true_one_is_unknown() -> None:
    content, answers = scored({"zero-shot": 0.5, "lora": 1.0})
    answers["lora"]["chosen"] = answers["lora"]["truth"] = [-1] * 100
    assert ranking(content, answers).values[:, 0].tolist() == [0.5, 0]


def test_concluding_writes_record_and_page_and_may_be_repeated(tmp_path: Path) -> None:
    folder = comparisons.write(tmp_path, *comparisons.record(60))
    record = conclude(folder)
    assert read_json(folder / "compare.json") == record
    assert record["recommendation"]["choice"] in record["ranking"]
    assert (folder / "report.html").is_file()
    assert conclude(folder) == record


def test_what_nobody_answered_is_no_answer() -> None:
    assert WizardSettings().answers is None
    assert WizardSettings(changing=True).answers == {"api_only": False, "changing": True, "per_user": False}


def test_rows_that_ask_the_same_count_as_one() -> None:
    """Each row three times over, as one prompt with three references, comes to what the rows once come to."""
    content, answers = scored({"zero-shot": 0.4, "few-shot": 0.6, "lora": 0.8}, rows=20)
    for sheet in answers.values():
        for name in ("chosen", "truth"):
            sheet.pop(name)
    content = {**content, "metric": "rouge_l"}
    thrice = {**content, "rows": [row for row in content["rows"] for _ in range(3)]}
    repeated = {
        name: {key: [item for item in items for _ in range(3)] for key, items in sheet.items() if items}
        for name, sheet in answers.items()
    }
    once = ranking(content, answers)
    same = ranking({**thrice, "prompts": [row for row in range(20) for _ in range(3)]}, repeated)
    assert (same.names, same.rows) == (once.names, 20)
    np.testing.assert_allclose(same.values, once.values)
    for name, one in once.against_base.items():
        assert same.against_base[name].as_dict() == pytest.approx(one.as_dict())
    apart = ranking(thrice, repeated)
    assert apart.against_base["lora"].low > same.against_base["lora"].low, "as if each answer were three"


def test_few_prompts_are_too_few_with_however_many_references() -> None:
    content, answers = scored({"zero-shot": 0.2, "lora": 0.9}, rows=46)
    found = recommended(({**content, "prompts": [row % 6 for row in range(46)]}, answers))
    assert found["choice"] is None
    assert found["text"] == (
        "6 test prompts are too few to tell contenders apart. Compare again with at least 10, better 100."
    )
