"""Commands with heads: what was chosen and why, answers instead of text, scores, and labels that training never saw."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import WORDS, Capo


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lines = [f"{WORDS[i % 6]} {WORDS[(i * 3) % 10]} {i},{1 + i % 5}.5" for i in range(40)]
    path = tmp_path_factory.mktemp("data") / "ratings.csv"
    path.write_text("\n".join(["text,score", *lines]) + "\n")
    return path


def tune(capo: Capo, base: Path, data: Path, out: Path, *more: object) -> Path:
    done = capo("tune", data, "--base", base, "--out", out, "--epochs", 1, "--method", "head", *more)
    assert done.code == 0, done.stderr
    return out


def test_a_dry_run_says_the_objective_and_why(base: Path, scored: Path, tmp_path: Path, capo: Capo) -> None:
    command = ("tune", scored, "--base", base, "--out", tmp_path / "x", "--dry-run")
    assert "regress: the data is text_score" in capo(*command, "--method", "head").stdout
    assert "lm: method prompt writes text" in capo(*command, "--init", "vocab").stdout
    assert "classify: as told" in capo(*command, "--method", "head", "--objective", "classify").stdout
    assert capo(*command, "--method", "head", "--json").json["objective"] == "regress"


def test_a_head_answers_where_others_write(base: Path, scored: Path, tmp_path: Path, capo: Capo) -> None:
    out = tune(capo, base, scored, tmp_path / "stars")
    found = capo("generate", "--base", base, "--adapter", out, "sun", "rain", "--max-new-tokens", 2, "--json").json
    assert [set(one["answers"]) for one in found] == [{"base", "stars"}] * 2
    assert all(0 < float(one["answers"]["stars"]) < 8 for one in found)
    scores = capo("eval", scored, "--base", base, "--adapter", out, "--json").json
    assert set(scores["adapters"]["stars"]["scores"]) == set(scores["base"]) >= {"pearson", "spearman"}
    assert "Root mean square error" in capo("eval", scored, "--base", base, "--adapter", out).stdout


@pytest.mark.parametrize(("method", "flags"), [("prompt", ("--init", "vocab", "--tokens", 2)), ("head", ())])
def test_eval_names_a_label_that_training_never_saw(
    base: Path, tmp_path: Path, capo: Capo, method: str, flags: tuple[object, ...]
) -> None:
    data = tmp_path / "moods.csv"
    data.write_text("text,label\n" + "".join(f"{WORDS[i % 6]} {i},{('up', 'down')[i % 2]}\n" for i in range(20)))
    out = tune(capo, base, data, tmp_path / "moods", "--method", method, *flags)
    if method == "head":
        few = tmp_path / "few.csv"
        few.write_text("text,label\nnew one,up\nnew two,down\n")
        found = capo("eval", few, "--base", base, "--adapter", out, "--json").json
        assert "accuracy" in found["base"], "labels of a head are labels, also where they hardly repeat"
    fresh = tmp_path / "fresh.csv"
    fresh.write_text("text,label\nnew one,up\nnew two,sideways\nnew three,up\n")
    done = capo("eval", fresh, "--map", "text=text,label=label", "--base", base, "--adapter", out)
    assert done.code == 2
    assert done.stderr.count("\n") == 1
    for words in ("fresh.csv:3", "'sideways'", "moods never saw", "down, up", "correct the row"):
        assert words in done.stderr


def test_eval_refuses_adapters_that_answer_in_different_ways(
    base: Path, scored: Path, tmp_path: Path, capo: Capo
) -> None:
    out = tune(capo, base, scored, tmp_path / "stars")
    record = json.loads((out / "run.json").read_text())
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "run.json").write_text(json.dumps({**record, "objective": "multilabel"}))
    done = capo("eval", scored, "--base", base, "--adapter", out, "--adapter", tmp_path / "other")
    assert done.code == 2
    assert "different objectives (stars: regress, other: multilabel)" in done.stderr
