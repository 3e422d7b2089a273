"""Which metrics are measured: what fits the rows, what is refused by name, what is left out."""

import json
from pathlib import Path

import pytest

from capotasto.errors import SettingError
from capotasto.evaluate import metric
from capotasto.evaluate.metrics import METRICS, usual
from capotasto.evaluate.settings import MetricSettings
from capotasto.evaluate.wishes import Wishes, wishes
from capotasto.types import Example, Turn
from tests.refusing import refused

PLAIN = [Example((Turn("text", "the rain", learn=True),))]
PAIRS = [Example((Turn("user", "why?"), Turn("assistant", "rain", learn=True)))]
KINDS = {
    "plain": (PLAIN, [], "lm"),
    "pairs": (PAIRS, [], "lm"),
    "labels": (PAIRS, ["rain", "sun"], "lm"),
    "numbers": (PAIRS, ["score"], "regress"),
    "marks": (PAIRS, ["rain", "sun"], "multilabel"),
}


def wish(kind: str, **given: object) -> Wishes:
    return wishes(MetricSettings.build(given), *KINDS[kind])


def test_the_usual_metrics_need_no_wish() -> None:
    assert usual() == [
        "loss",
        "accuracy",
        "macro_f1",
        "exact_match",
        "root_mean_square_error",
        "mean_absolute_error",
        "pearson",
        "spearman",
        "micro_f1",
    ]
    assert wish("pairs") == Wishes()
    assert not wish("pairs").writes
    assert not wish("labels", metrics="auroc,perplexity").writes


def test_names_stand_between_commas_and_each_counts_once() -> None:
    found = wish("pairs", metrics="bleu, rouge_l,bleu", answer_tokens="7")
    assert found == Wishes(("bleu", "rouge_l"), None, 7)
    assert found.writes


@pytest.mark.parametrize(
    ("kind", "fits", "does_not"),
    [
        ("plain", {"loss", "bits_per_byte"}, {"bleu", "accuracy", "pearson", "micro_f1"}),
        ("pairs", {"loss", "bleu", "exact_match", "json_valid"}, {"accuracy", "auroc", "macro_f1"}),
        ("labels", {"loss", "bleu", "exact_match", "auroc", "macro_f1"}, {"micro_f1", "pearson"}),
        ("numbers", {"pearson", "root_mean_square_error"}, {"loss", "bleu", "auroc"}),
        ("marks", {"micro_f1", "macro_f1"}, {"loss", "accuracy", "bleu"}),
    ],
)
def test_all_are_those_that_fit(kind: str, fits: set[str], does_not: set[str]) -> None:
    found = set(wish(kind, metrics="all").metrics)
    assert fits <= found
    assert not does_not & found
    assert "json_schema" not in found, "there is no schema"


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        (
            "plain",
            {"metrics": "bleu"},
            ["'bleu' does not fit", "plain text, which asks nothing", "take of loss, perpl"],
        ),
        ("pairs", {"metrics": "bleu,auroc"}, ["'auroc' does not fit", "no labels", "take of loss, exact_match"]),
        ("labels", {"metrics": "pearson"}, ["'pearson' does not fit", "one of several labels"]),
        ("numbers", {"metrics": "accuracy"}, ["'accuracy' does not fit", "ask for numbers", "take of root_mean"]),
        ("marks", {"metrics": "accuracy"}, ["'accuracy' does not fit", "all labels that fit", "take of macro_f1"]),
        ("pairs", {"metrics": "blue"}, ["unknown metric 'blue'", "did you mean 'bleu'"]),
        ("pairs", {"metrics": "json_schema"}, ["there is none", "--json-schema FILE"]),
        ("pairs", {"answer_tokens": 0}, ["'answer_tokens'", "greater than or equal to 1"]),
    ],
)
def test_what_does_not_fit_is_refused_by_name(kind: str, given: dict, words: list[str]) -> None:
    with refused(*words, kind=SettingError):
        wish(kind, **given)


def test_a_schema_is_read(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    schema = {"$defs": {"name": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/name"}}}
    path.write_text(json.dumps(schema))
    found = wish("pairs", metrics="all", json_schema=str(path))
    assert found.schema == schema
    assert "json_schema" in found.metrics


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", ["cannot read", "damaged"]),
        ('{"type": "objekt"}', ["is no JSON schema", "correct it"]),
        ("3", ["is no JSON schema"]),
        ('{"$ref": "https://example.org/a.json"}', ["refers to 'https://example.org/a.json'", "nothing is fetched"]),
        ('{"items": [{"$ref": "#/$defs/no"}]}', ["no JSON schema"]),
        ('{"properties": {"a": {"$ref": "#/$defs/no"}}}', ["refers to '#/$defs/no'", "under $defs"]),
    ],
)
def test_a_schema_that_is_none_is_refused(tmp_path: Path, content: str, words: list[str]) -> None:
    path = tmp_path / "s.json"
    path.write_text(content)
    with refused(str(path), *words):
        wish("pairs", metrics="json_schema", json_schema=str(path))


def test_a_metric_without_its_package_is_left_out_with_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metric, "find_spec", lambda name: None)
    found = wish("pairs", metrics="bleu,chrf,rouge_l")
    assert found.metrics == ("chrf",)
    assert found.notes == (
        "bleu is left out: it needs sacrebleu; pip install 'capotasto[metrics]'",
        "rouge_l is left out: it needs rouge-score; pip install 'capotasto[metrics]'",
    )


def test_every_metric_says_what_must_be_asked() -> None:
    assert {asked for name in METRICS for asked in METRICS[name].asks} == {"score", "choose", "write", "tell", "mark"}
