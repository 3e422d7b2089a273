"""Multitask prompt tuning: one shared prompt, a factor for each task, and folders that any prompt could have."""

from pathlib import Path

import peft
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from capotasto import load_adapter, tune
from capotasto.artifact import save_adapter
from capotasto.evaluate.judge import ask, judge
from capotasto.experiment.plan import plan
from capotasto.experiment.reading import read_tasks
from capotasto.experiment.settings import TuneSettings
from capotasto.session import Base
from capotasto.training.job import Job
from capotasto.training.loop import train
from capotasto.training.settings import TrainSettings
from tests.experiment.runs import QUICK, write_rows
from tests.making import TASKS, logits_of, make_adapter, make_fresh, make_rows, read_base
from tests.refusing import refused

SETTINGS = {**QUICK, "method": "mpt", "epochs": 2}


@pytest.fixture(scope="module")
def saved(model: Path) -> Base:
    """A base with a folder, which PEFT can read."""
    return read_base(model)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return write_rows(tmp_path / "rows.csv", 30), write_rows(tmp_path / "more.csv", 30, seed=1)


@pytest.mark.parametrize("rank", [1, 3])
def test_it_starts_at_the_shared_prompt(base: Base, rank: int) -> None:
    adapter = make_fresh("mpt", base, task_rank=rank)
    for task in TASKS:
        torch.testing.assert_close(adapter.of_task(task).embeds(), adapter.embeds(), rtol=0, atol=0)
    assert adapter.of_task("unheard of") is adapter
    assert adapter.size() == 5 * 32 + 2 * rank * (5 + 32)


@pytest.mark.parametrize("rank", [1, 2])
def test_a_task_multiplies_the_prompt_by_the_sum_of_its_outer_products(base: Base, rank: int) -> None:
    adapter = make_adapter("mpt", base, task_rank=rank)
    for number, task in enumerate(TASKS):
        factor = sum(torch.outer(adapter.left[number, :, r], adapter.right[number, r]) for r in range(rank))
        assert int(torch.linalg.matrix_rank(factor)) == rank
        torch.testing.assert_close(adapter.of_task(task).embeds(), adapter.shared * factor)


def test_the_rows_of_a_task_do_not_move_the_factor_of_another(base: Base) -> None:
    adapter = make_fresh("mpt", base)
    rows = [row for row in make_rows(base, 12, adapter=adapter) if row.task == TASKS[0]]
    left, right = adapter.left.detach().clone(), adapter.right.detach().clone()
    list(train(base, [Job("a", adapter, rows, (), TrainSettings(epochs=2), 0.01)]))
    assert torch.equal(adapter.left[1], left[1])
    assert torch.equal(adapter.right[1], right[1])
    assert bool((adapter.left[0] != left[0]).all())
    assert bool((adapter.right[0] != right[0]).all())


def test_each_task_has_a_folder_that_is_a_prompt_of_its_own(saved: Base, files, tmp_path: Path) -> None:
    run = tune(saved, files[0], out=tmp_path / "out", mix=str(files[1]), **SETTINGS)
    rows = make_rows(saved, 2)
    found = {}
    for task in ("rows", "more"):
        alone = load_adapter(run.folder / task, saved)
        assert (alone.name, alone.method, alone.tokens, alone.dialogue) == (task, "prompt", 3, True)
        wanted = logits_of(saved, rows, [run.adapter.of_task(task)] * 2)
        found[task] = logits_of(saved, rows, [alone] * 2)
        torch.testing.assert_close(found[task], wanted, rtol=1e-5, atol=1e-5)
        theirs = peft.PeftModel.from_pretrained(
            AutoModelForCausalLM.from_pretrained(saved.folder, dtype=torch.float32), run.folder / task
        )
        with torch.no_grad():
            logits = theirs(torch.tensor([rows[0].ids])).logits[0]
        torch.testing.assert_close(
            found[task][0][-len(rows[0].ids) :], logits[-len(rows[0].ids) :], rtol=1e-4, atol=1e-4
        )
    assert not torch.equal(found["rows"][0], found["more"][0])


def test_the_scores_of_a_task_are_those_of_its_folder(saved: Base, files, tmp_path: Path) -> None:
    run = tune(saved, files[0], out=tmp_path / "out", mix=str(files[1]), **SETTINGS)
    for task in read_tasks(str(files[0]), TuneSettings(**SETTINGS, mix=str(files[1]))):
        alone = load_adapter(run.folder / task.name, saved)
        answers = ask(saved, saved.renderer(alone), task.splits.test, task.dataset.labels, alone)
        scores = {name: measure.value for name, measure in judge(answers).scores.items()}
        told = run.record["tasks"][task.name]["scores"]["tuned"]
        assert scores == pytest.approx({name: measure["value"] for name, measure in told.items()}, rel=1e-4)


def test_the_folder_gives_back_prompt_and_factors(base: Base, tmp_path: Path) -> None:
    adapter = make_adapter("mpt", base, task_rank=2)
    save_adapter(adapter, tmp_path, base, {})
    again = load_adapter(tmp_path, base)
    for task in TASKS:
        torch.testing.assert_close(again.of_task(task).embeds(), adapter.of_task(task).embeds(), rtol=0, atol=0)


def test_a_task_is_added_to_what_was_learnt(saved: Base, files, tmp_path: Path) -> None:
    """Known tasks go on with their factors, a new one begins with the shared prompt, and so does a plain prompt."""
    first = tune(saved, files[0], out=tmp_path / "one", mix=str(files[1]), **SETTINGS)
    new = write_rows(tmp_path / "new.csv", 30, seed=2)
    settings = {**SETTINGS, "init": f"from:{tmp_path / 'one'}"}
    made = plan(saved, str(files[0]), tmp_path / "three", TuneSettings(**settings, mix=str(new))).job.adapter
    assert torch.equal(made.of_task("rows").embeds(), first.adapter.of_task("rows").embeds())
    assert torch.equal(made.of_task("new").embeds(), first.adapter.embeds())
    shared = load_file(tmp_path / "one" / "adapter_model.safetensors")["prompt_embeddings"]
    plain = plan(saved, str(new), tmp_path / "four", TuneSettings(**{**settings, "method": "prompt"})).job.adapter
    assert torch.equal(plain.embeds(), shared)


def test_force_clears_the_folders_of_tasks_and_no_others(saved: Base, files, tmp_path: Path) -> None:
    settings = {**SETTINGS, "epochs": 1}
    tune(saved, files[0], out=tmp_path / "out", mix=f"{files[1]}=old", **settings)
    (tmp_path / "out" / "mine").mkdir()
    tune(saved, files[0], out=tmp_path / "out", mix=f"{files[1]}=new", force=True, **settings)
    folders = {path.name for path in (tmp_path / "out").iterdir() if path.is_dir()}
    assert folders == {"rows", "new", "mine"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, ["mpt", "one task only", "--method prompt", "--mix"]),
        ({"method": "mpt+lora", "mix": "more.csv"}, ["mpt", "cannot be combined"]),
        ({"mix": "more.csv", "task_rank": 0}, ["'task_rank'", "greater than or equal to 1"]),
    ],
)
def test_one_line_says_what_is_wrong(base, files, tmp_path, monkeypatch, settings, words) -> None:
    monkeypatch.chdir(tmp_path)
    with refused(*words):
        tune(base, files[0], out=tmp_path / "out", **{**SETTINGS, **settings})
    assert not (tmp_path / "out").exists()
