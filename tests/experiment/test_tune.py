"""One run from a file to a judged adapter: what is kept, what is promised, and what is refused."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from capotasto import TuneSettings, load_adapter, tune, tune_many
from capotasto.errors import DataError, SettingError, TrainingError
from capotasto.experiment.outcome import SAMPLES
from capotasto.session import Base
from capotasto.types import StepRecord
from tests.experiment.runs import QUICK, names, steps_logged, write_rows
from tests.refusing import refused

FILES = {
    *("adapter_config.json", "adapter_model.safetensors", "initial.safetensors", "manifest.json"),
    *("log.jsonl", "report.html", "run.json", "start.json"),
}


def settings(**more: object) -> TuneSettings:
    return TuneSettings(**{**QUICK, **more})


def test_a_run_leaves_an_adapter_its_scores_and_its_report(base: Base, rows: Path, tmp_path: Path) -> None:
    seen: list[StepRecord] = []
    run = tune(base, rows, out=tmp_path / "wet", watch=seen.append, **QUICK)
    assert names(run.folder) == sorted(FILES)
    assert json.loads((run.folder / "run.json").read_text()) == run.record
    assert [(r.kind, r.step, r.loss) for r in seen] == steps_logged(run.folder)
    assert base.adapters["wet"] is run.adapter
    assert set(run.scores) == {"base", "tuned"}
    assert set(run.scores["tuned"]) == {"loss", "accuracy", "macro_f1", "exact_match"}
    record = run.record
    assert sum(record["rows"].values()) == 40
    assert record["labels"] == ["dry", "wet"]
    assert sum(map(sum, record["confusion"])) == record["rows"]["test"]
    assert record["trainable_parameters"] == 3 * 32
    assert record["steps"] == max(r.step for r in seen)
    assert len(record["samples"]) == min(SAMPLES, record["rows"]["test"])
    assert record["verdict"] == run.verdict
    again = load_adapter(run.folder, base)
    assert torch.equal(again.prompt_embeddings, run.adapter.prompt_embeddings)
    assert not torch.equal(again.prompt_embeddings, again.initial)


@pytest.mark.parametrize(
    "lines",
    [
        ["text", *(f"the rain in the north {i}" for i in range(20))],
        ["prompt,completion", *(f"question {i},answer {i * i}" for i in range(20))],
    ],
)
@pytest.mark.parametrize("placement", ["front", "after_bos"])
def test_texts_and_pairs_too(base: Base, tmp_path: Path, lines: list[str], placement: str) -> None:
    """With the start chosen by trial and the learning rate by rule."""
    (tmp_path / "d.csv").write_text("\n".join(lines))
    run = tune(base, tmp_path / "d.csv", out=tmp_path / "out", epochs=1, tokens=3, placement=placement)
    assert set(run.scores["tuned"]) == {"loss"}
    assert run.record["init"]["chosen"] == "by trial"
    assert "root mean square" in run.record["learning_rate_rule"]
    assert run.adapter.placement == placement
    assert run.adapter.dialogue is (lines[0] != "text")
    assert all(sample["prompt"] for sample in run.record["samples"])


def test_rows_as_long_as_the_context_are_tuned_and_judged(base: Base, tmp_path: Path) -> None:
    """They lose the left of their prompts, which is counted, and no position lies beyond the context."""
    lines = ["text,label", *(f"{'xyz' * 150} {i},{('dry', 'wet')[i % 2]}" for i in range(12))]
    (tmp_path / "d.csv").write_text("\n".join(lines))
    run = tune(base, tmp_path / "d.csv", out=tmp_path / "out", epochs=1, tokens=40, init="vocab")
    assert run.record["data"]["truncated"] == run.record["rows"]["train"] + run.record["rows"]["val"]


def test_several_are_tuned_together_as_alone(base: Base, tmp_path: Path) -> None:
    work = {
        tmp_path / "a": (str(write_rows(tmp_path / "a.csv", 30, seed=1)), settings(epochs=2)),
        tmp_path / "b": (str(write_rows(tmp_path / "b.csv", 44, seed=2)), settings(lr=0.05, tokens=6)),
    }
    together = tune_many(base, work)
    assert [run.folder for run in together] == list(work)
    for run, (source, chosen) in zip(together, work.values(), strict=True):
        alone = tune(base, source, out=tmp_path / "alone" / run.folder.name, **chosen.model_dump(exclude_none=True))
        torch.testing.assert_close(run.adapter.prompt_embeddings, alone.adapter.prompt_embeddings, rtol=1e-3, atol=1e-4)
        assert [line[:2] for line in steps_logged(run.folder)] == [line[:2] for line in steps_logged(alone.folder)]


def test_two_of_one_name_are_refused_before_any_work(base: Base, rows: Path, tmp_path: Path) -> None:
    """Their records would be mixed up."""
    work = {tmp_path / side / "same": (str(rows), settings()) for side in ("left", "right")}
    with pytest.raises(SettingError, match=r"left/same and .*right/same would both be called 'same'.*--name"):
        tune_many(base, work)
    assert not (tmp_path / "left").exists()


@pytest.mark.parametrize(
    ("lr", "state"), [(1e30, "no checkpoint yet"), (1500.0, "the last good checkpoint is kept at ")]
)
def test_a_training_that_explodes_stops_and_keeps_what_was_good(
    base: Base, rows: Path, tmp_path: Path, lr: float, state: str
) -> None:
    out, wild = tmp_path / "out", {**QUICK, "lr": lr, "epochs": 6}
    for resume in (False, True):  # the checkpoint is whole: it goes on to the same fault
        words = ("out: a virtual token of length", "at step", state, "--force", f"below --lr {lr:.3g}")
        with refused(*words, kind=TrainingError) as caught:
            tune(base, rows, out=out, resume=resume, **wild)
        assert caught.value.exit_code == 3
        assert not (out / "run.json").exists()
    checkpoint = out / "checkpoint.safetensors"
    assert checkpoint.exists() == (lr == 1500)
    if checkpoint.exists():
        assert str(checkpoint) in str(caught.value)
        assert load_file(checkpoint)["adapter.prompt_embeddings"].isfinite().all()
    assert tune(base, rows, out=out, force=True, **QUICK).folder == out


def test_one_that_explodes_does_not_cost_the_others_their_result(base: Base, rows: Path, tmp_path: Path) -> None:
    work = {
        tmp_path / "bad": (str(rows), settings(lr=1e30, epochs=6)),
        tmp_path / "good": (str(rows), settings()),
    }
    with pytest.raises(TrainingError, match=r"^bad: "):
        tune_many(base, work)
    assert (tmp_path / "good" / "run.json").exists()
    assert (tmp_path / "good" / "report.html").exists()


def test_what_is_filled_is_neither_overwritten_nor_resumed_unasked(base: Base, rows: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("mine")
    with pytest.raises(SettingError, match=rf"--out {out} is not empty: .*--resume.*--force"):
        tune(base, rows, out=out, **QUICK)
    tune(base, rows, out=out, force=True, **QUICK)
    assert (out / "thesis.txt").read_text() == "mine"


def test_force_with_a_wrong_setting_leaves_the_earlier_run(base: Base, rows: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    tune(base, rows, out=out, **QUICK)
    before = (out / "run.json").read_bytes()
    with pytest.raises(SettingError, match="unknown init"):
        tune(base, rows, out=out, force=True, **{**QUICK, "init": "vocabulary"})
    assert (out / "run.json").read_bytes() == before
    again = tune(base, rows, out=out, force=True, **{**QUICK, "init": f"from:{out}"})
    assert again.record["init"]["kind"] == "from"


def test_force_leaves_nothing_of_the_earlier_run(base: Base, rows: Path, tmp_path: Path) -> None:
    """Its PEFT config, above all: beside a prompt that stands elsewhere it would give wrong answers."""
    out = tmp_path / "out"
    tune(base, rows, out=out, **QUICK)
    (out / "checkpoint.safetensors").write_bytes(b"old")
    tune(base, rows, out=out, force=True, placement="after_bos", **QUICK)
    assert names(out) == sorted(FILES - {"adapter_config.json"})


@pytest.mark.parametrize("kind", ["step", "held_out"])
def test_interrupted_between_a_step_and_its_look_loses_neither(
    base: Base, rows: Path, tmp_path: Path, kind: str
) -> None:
    whole = tune(base, rows, out=tmp_path / "whole", **QUICK)
    look = next(step for found, step, _ in steps_logged(whole.folder) if found == "held_out")

    def interrupt(record: StepRecord) -> None:
        if (record.kind, record.step) == (kind, look):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(base, rows, out=tmp_path / "out", watch=interrupt, **QUICK)
    run = tune(base, rows, out=tmp_path / "out", resume=True, **QUICK)
    assert steps_logged(run.folder) == steps_logged(whole.folder)
    assert torch.equal(run.adapter.prompt_embeddings, whole.adapter.prompt_embeddings)


def test_resuming_a_finished_run_returns_it(base: Base, rows: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = tune(base, rows, out=out, **QUICK)
    again = tune(base, rows, out=out, resume=True, **QUICK)
    assert again.record == first.record
    assert again.scores == first.scores
    for change in ({"epochs": 4}, {"seed": 1}):
        with pytest.raises(
            SettingError, match=rf"--out {out} holds a finished run with another base, data or settings"
        ):
            tune(base, rows, out=out, resume=True, **{**QUICK, **change})
    with pytest.raises(SettingError, match="another base, data or settings"):
        tune(base, write_rows(tmp_path / "other.csv", seed=5), out=out, resume=True, **QUICK)


def test_the_best_look_is_what_is_kept(base: Base, rows: Path, tmp_path: Path) -> None:
    run = tune(base, rows, out=tmp_path / "out", **{**QUICK, "lr": 0.5, "epochs": 8, "patience": 8})
    looks = {step: loss for kind, step, loss in steps_logged(run.folder) if kind == "held_out"}
    assert run.record["best_step"] == min(looks, key=lambda step: looks[step])


def test_rows_of_their_own_for_test_and_validation(base: Base, rows: Path, tmp_path: Path) -> None:
    other = str(write_rows(tmp_path / "test.csv", 10, seed=77))
    run = tune(base, rows, out=tmp_path / "out", test_data=other, val_data=None, **QUICK)
    assert run.record["rows"]["test"] == 10
    with pytest.raises(DataError, match=r"--test-data .*rows.csv shares \d+ rows with the training rows"):
        tune(base, rows, out=tmp_path / "leak", test_data=str(rows), **QUICK)
    (tmp_path / "new.csv").write_text("text,label\nbright day,sunny\ngrey day,wet\n")
    with pytest.raises(
        DataError, match=r"^new.csv:2 has the label 'sunny', which training never saw \(it knows dry, wet\)"
    ):
        tune(base, rows, out=tmp_path / "new", test_data=str(tmp_path / "new.csv"), **QUICK)


def test_without_test_rows_there_is_nothing_to_say(base: Base, rows: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"no test rows of .*rows.csv to judge the adapter on; set --test above 0"):
        tune(base, rows, out=tmp_path / "out", test=0, **QUICK)


def test_without_validation_rows_all_epochs_are_trained(base: Base, rows: Path, tmp_path: Path) -> None:
    run = tune(base, rows, out=tmp_path / "out", val=0, **QUICK)
    assert run.record["stopped"] == "all epochs done"
    assert run.record["best_step"] == run.record["steps"]
