"""`capo eval --metrics`: what is measured beside the usual, of labels and of free text."""

import json
from pathlib import Path

import pytest

from capotasto.evaluate import metric
from tests.cli.conftest import WORDS, Capo


@pytest.fixture(scope="module")
def replies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four questions, of which one has two answers."""
    path = tmp_path_factory.mktemp("data") / "replies.jsonl"
    rows = [{"prompt": f"why {word}?", "completion": f"because of the {word}"} for word in WORDS[:4]]
    path.write_text("".join(json.dumps(row) + "\n" for row in [*rows, {**rows[0], "completion": "it is the sun"}]))
    return path


def test_further_metrics_stand_beside_the_usual_ones(tuned: Path, base: Path, rows: Path, capo: Capo) -> None:
    plain = capo("eval", rows, "--base", base, "--adapter", tuned, "--json").json
    command = ("eval", rows, "--base", base, "--adapter", tuned, "--metrics", "auroc,brier_score")
    found = capo(*command, "--json").json
    for scores in (found["base"], found["adapters"]["moods"]["scores"], found["adapters"]["moods"]["difference"]):
        assert set(scores) == {*plain["base"], "auroc", "brier_score"}
    assert {name: found["base"][name] for name in plain["base"]} == plain["base"]
    assert "AUROC" in capo(*command).stdout


def test_free_text_is_written_where_a_metric_needs_it(base: Path, replies: Path, capo: Capo) -> None:
    assert set(capo("eval", replies, "--base", base, "--json").json["base"]) == {"loss"}
    command = ("eval", replies, "--base", base, "--json", "--metrics")
    found = capo(*command, "bleu,mean_words", "--answer-tokens", 3).json["base"]
    assert set(found) == {"loss", "exact_match", "bleu", "mean_words"}
    assert 0 <= found["mean_words"]["value"] <= 3
    every = capo(*command, "all").json["base"]
    assert {"perplexity", "bits_per_byte", "rouge_l", "chrf", "token_f1", "distinct_2", "repetition"} <= set(every)
    assert not {"accuracy", "auroc"} & set(every)


def test_what_does_not_fit_is_refused_before_the_base_is_loaded(replies: Path, capo: Capo) -> None:
    done = capo("eval", replies, "--base", "no such base", "--metrics", "accuracy")
    assert done.code == 2
    assert "metric 'accuracy' does not fit: these rows have no labels; take of loss, exact_match" in done.stderr


def test_a_missing_package_is_one_note(base: Path, replies: Path, capo: Capo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metric, "find_spec", lambda name: None)
    done = capo("eval", replies, "--base", base, "--metrics", "bleu,chrf", "--answer-tokens", 2, "--json")
    assert done.code == 0
    assert done.stderr.count("bleu is left out: it needs sacrebleu; pip install 'capotasto[metrics]'") == 1
    assert set(done.json["base"]) == {"loss", "exact_match", "chrf"}
