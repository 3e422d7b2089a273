"""General text against forgetting, from a file to what is left of it."""

import json
import random
from pathlib import Path

import pytest

from capotasto import tune
from capotasto.cli.result import show_scores
from capotasto.errors import UserError
from capotasto.evaluate.questions import score
from capotasto.experiment.plan import plan
from capotasto.experiment.recipe import Recipe, run_recipe
from capotasto.experiment.settings import TuneSettings
from capotasto.session import Base
from capotasto.tokens.replay import GENERAL
from tests.experiment.runs import QUICK, check_stopping_changes_nothing, steps_logged
from tests.refusing import refused

SETTINGS = {**QUICK, "epochs": 2, "method": "lora", "rank": 2, "replay_share": 0.3, "max_rows": 24}


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """Paragraphs, some of them longer than the room of a step."""
    chance = random.Random(2)
    words = ["the", "sea", "is", "wide", "and", "a", "ship", "goes", "out", "of", "port", "again"]
    paragraphs = [" ".join(chance.choices(words, k=chance.randint(8, 90))) for _ in range(30)]
    path = tmp_path / "general.txt"
    path.write_text("\n\n".join(paragraphs))
    return path


def test_its_share_is_in_every_step(base: Base, rows: Path, text: Path, tmp_path: Path) -> None:
    made = plan(base, str(rows), tmp_path / "out", TuneSettings(**SETTINGS, replay=str(text)))
    plain = plan(base, str(rows), tmp_path / "plain", TuneSettings(**SETTINGS))
    steps = [made.job.next_batch() for _ in range(made.job.steps)]
    tokens = {
        kind: [sum(len(row.ids) for row in step if (row.task == GENERAL) == kind) for step in steps]
        for kind in (True, False)
    }
    assert sum(tokens[True]) / (sum(tokens[True]) + sum(tokens[False])) == pytest.approx(0.3, abs=0.02)
    assert sum(count > 0 for count in tokens[True]) > len(steps) / 2
    assert max(map(sum, zip(*tokens.values(), strict=True))) < 1.3 * 96
    epoch = sum(len(row.ids) for row in plain.job.rows)
    assert sum(tokens[False]) == 2 * epoch, "an epoch still has each row of the task once"
    assert made.rows == plain.rows


def test_what_is_left_of_it_is_measured_on_untouched_text(base, rows, text, tmp_path, capsys) -> None:
    run = tune(base, rows, out=tmp_path / "out", replay=str(text), **SETTINGS)
    found = run.record["replay"]
    made = plan(base, str(rows), tmp_path / "plan", TuneSettings(**SETTINGS, replay=str(text)))
    kept = made.general.test
    assert not {row.ids for row in kept} & {row.ids for row in made.general.train}
    for who, adapter in (("base", None), ("tuned", run.adapter)):
        sums, counts = score(base, kept, [adapter] * len(kept))
        assert found["scores"][who]["loss"]["value"] == pytest.approx(sums.sum() / counts.sum(), rel=1e-5)
    gap = found["scores"]["tuned"]["loss"]["value"] - found["scores"]["base"]["loss"]["value"]
    assert found["difference"]["loss"]["value"] == pytest.approx(gap)
    assert len(run.record["lengths"]["prompt"]) == run.record["rows"]["train"]
    show_scores(run.folder)
    assert "replay" in capsys.readouterr().out
    assert "General text" in (run.folder / "report.html").read_text()


def test_the_loss_of_a_step_is_mixed_by_the_share(base, rows, text, tmp_path) -> None:
    made = plan(base, str(rows), tmp_path / "out", TuneSettings(**SETTINGS, replay=str(text)))
    step = made.job.next_batch()
    sums, counts = score(base, step, [made.job.adapter] * len(step))
    means = {}
    for kind in (True, False):
        mine = [i for i, row in enumerate(step) if (row.task == GENERAL) == kind]
        means[kind] = sums[mine].sum() / counts[mine].sum()
    run = tune(base, rows, out=tmp_path / "out", replay=str(text), force=True, **SETTINGS)
    first = steps_logged(run.folder)[0][2]
    assert first == pytest.approx(0.3 * means[True] + 0.7 * means[False], rel=1e-4)


def test_dialogues_are_taken_too_and_a_mixture_beside_them(base, rows, text, tmp_path) -> None:
    pairs = [{"prompt": f"what is {i}", "completion": f"it is {i}"} for i in range(20)]
    talk = tmp_path / "talk.jsonl"
    talk.write_text("\n".join(json.dumps(pair) for pair in pairs))
    path = tmp_path / "recipe.yaml"
    heeded = {name: value for name, value in SETTINGS.items() if name not in ("tokens", "init")}
    job = {"data": "rows.csv", **heeded, "epochs": 1, "replay": "talk.jsonl", "mix": {"more": "general.txt"}}
    path.write_text(json.dumps({"jobs": {"a": job}}))
    run = run_recipe(base, Recipe.read(path), path)[0]
    assert sum(run.record["replay"]["rows"].values()) == 20
    assert list(run.record["tasks"]) == ["rows", "more"]
    assert run.adapter.dialogue is None, "the tasks are of both kinds"


@pytest.mark.parametrize(("batch_tokens", "longest"), [(40, 32), (200, 60), (4000, 64)])
def test_pieces_fit_their_share_and_the_row(base, rows, text, tmp_path, batch_tokens, longest) -> None:
    settings = {**SETTINGS, "batch_tokens": batch_tokens, "max_length": 64, "replay": str(text)}
    made = plan(base, str(rows), tmp_path / "out", TuneSettings(**settings))
    lengths = [len(row.ids) for row in made.general.train]
    assert longest / 2 < max(lengths) <= longest
    assert max(len(row.ids) for row in made.general.test) <= 64


def test_a_stopped_run_goes_on_to_the_same_adapter(base, rows, text, tmp_path) -> None:
    settings = {**SETTINGS, "replay": str(text), "curriculum": "length"}
    check_stopping_changes_nothing(5, base, rows, tmp_path, **settings)
    text.write_text("One paragraph more.\n\n" + text.read_text())
    with pytest.raises(UserError, match="another base, data or settings"):
        tune(base, rows, out=tmp_path / "stopped", name="one", **settings, resume=True)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"replay_share": 0}, ["'replay_share'", "greater than 0"]),
        ({"replay_share": 1}, ["'replay_share'", "less than 1"]),
        ({"replay_share": -0.1}, ["'replay_share'", "greater than 0"]),
        ({"replay": "no.txt"}, ["no data file", "no.txt", "check the path"]),
        ({"replay": "held.csv"}, ["every row of --replay held.csv", "another file"]),
        ({"replay": "general.txt", "method": "head"}, ["--replay", "head", "leave --replay out"]),
        ({"replay": "general.txt", "mix": "general.txt=replay"}, ["'replay'", "FILE=NAME"]),
    ],
)
def test_one_line_says_what_is_wrong(base, rows, text, tmp_path, monkeypatch, settings, words) -> None:
    monkeypatch.chdir(tmp_path)
    splits = plan(base, str(rows), tmp_path / "plan", TuneSettings(**SETTINGS)).splits
    held = [f"{row.prompt},{row.label}" for row in (*splits.val, *splits.test)]
    (tmp_path / "held.csv").write_text("\n".join(["text,label", *held]))
    with refused(*words):
        tune(base, rows, out=tmp_path / "out", **{**SETTINGS, **settings})
    assert not (tmp_path / "out").exists()
