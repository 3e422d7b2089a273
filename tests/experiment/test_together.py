"""What each part promises also holds where it meets the others: mixtures, heads, stacks, searches, merging, trunk."""

import json
from pathlib import Path

import pytest
import torch

from capotasto import load_adapter, merged, search, tune
from capotasto.session import Base
from capotasto.wheels import home
from tests.experiment.runs import WORDS

HEAD = {"method": "head", "epochs": 1, "batch_tokens": 96, "checkpoint_seconds": 0, "val": 0.2, "test": 0.3}


def write(path: Path, **answer: list[object]) -> Path:
    [(column, values)] = answer.items()
    rows = [{"text": f"{WORDS[i % 8]} {i} {path.stem}", column: values[i % len(values)]} for i in range(40)]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def test_a_head_of_two_tasks_with_labels_of_their_own_is_judged_task_by_task(base: Base, tmp_path: Path) -> None:
    one = write(tmp_path / "one.jsonl", labels=[["wet"], ["wet", "cold"], ["dry"]])
    other = write(tmp_path / "other.jsonl", labels=[["sad"], ["glad"]])
    run = tune(base, one, out=tmp_path / "out", mix=str(other), map={"text": "text", "labels": "labels"}, **HEAD)
    assert run.record["objective"] == "multilabel"
    assert set(run.record["tasks"]) == {"one", "other"}
    assert "micro_f1" in run.scores["tuned"]
    assert run.adapter.classes() == ["cold", "dry", "glad", "sad", "wet"]


def test_a_search_of_a_head_that_tells_numbers_ends_with_a_winner(base: Base, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    rows = write(tmp_path / "stars.jsonl", score=[1.0, 2.5, 4.0])
    found = search(base, rows, out=tmp_path / "out", trials=2, map={"text": "text", "score": "score"}, **HEAD)
    assert found.record["winner"]["test_loss"] is None
    assert "root_mean_square_error" in found.run.scores["tuned"]


@pytest.mark.parametrize(("beneath", "method"), [("lora", "head"), ("head", "lora")])
def test_a_plain_head_in_a_stack_is_read_again(
    base: Base, rows: Path, tmp_path: Path, beneath: str, method: str
) -> None:
    plain = {**HEAD, "head_norm": False}
    tune(base, rows, out=tmp_path / "under", **{**plain, "method": beneath})
    run = tune(base, rows, out=tmp_path / "both", stack_on=str(tmp_path / "under"), **{**plain, "method": method})
    again = load_adapter(tmp_path / "both", base, "again")
    assert base.classify(["sun and rain"], run.adapter) == base.classify(["sun and rain"], again)


def test_an_adapter_over_a_head_that_tells_numbers_is_judged_by_them(base: Base, tmp_path: Path) -> None:
    rows, columns = write(tmp_path / "stars.jsonl", score=[1.0, 2.5, 4.0]), {"text": "text", "score": "score"}
    tune(base, rows, out=tmp_path / "under", map=columns, **HEAD)
    more = {**HEAD, "method": "lora", "rank": 2, "stack_on": str(tmp_path / "under"), "map": columns}
    run = tune(base, rows, out=tmp_path / "both", **more)
    assert run.record["objective"] == "regress"
    assert "root_mean_square_error" in run.scores["tuned"]


def test_states_of_merged_weights_are_not_kept(base: Base, rows: Path, tmp_path: Path) -> None:
    lora = tune(base, rows, out=tmp_path / "lora", **{**HEAD, "method": "lora", "rank": 2}).adapter
    with torch.no_grad():
        for parameter in lora.parameters():
            parameter += 0.1
    settings = {**HEAD, "epochs": 2}
    with merged(base, lora):
        changed = tune(base, rows, out=tmp_path / "changed", **settings).scores["tuned"]["loss"]
    assert not list(home().glob("trunk/*/*.bin"))
    own = tune(base, rows, out=tmp_path / "own", **settings).scores["tuned"]["loss"]
    assert list(home().glob("trunk/*/*.bin"))
    assert own != changed
