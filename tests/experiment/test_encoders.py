"""An encoder from a file to a judged adapter on disk."""

import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from capotasto import load_adapter, tune
from capotasto.data import load
from capotasto.errors import UserError
from capotasto.evaluate.bare import by_frequency
from capotasto.experiment.reading import read_splits
from capotasto.experiment.recipe import Recipe, run_recipe
from capotasto.experiment.settings import TuneSettings
from capotasto.session import Base
from tests.experiment.runs import QUICK
from tests.experiment.test_family import recipe
from tests.making import read_base
from tests.refusing import refused
from tests.tiny import save_base

EVERY = ["head", "lora+head", "prompt+head", "prefix+head", "bottleneck+head", "full+head"]
PLAIN = {key: value for key, value in QUICK.items() if key not in ("init", "lr")}


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Base:
    return read_base(save_base(tmp_path_factory.mktemp("encoder"), "distilbert"))


@pytest.mark.parametrize("method", EVERY)
def test_every_method_makes_a_judged_adapter(encoder: Base, rows: Path, tmp_path: Path, method: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        run = tune(encoder, rows, out=tmp_path / "out", method=method, **PLAIN)
    assert run.record["method"] == method
    assert set(run.scores["tuned"]) == {"loss", "accuracy", "macro_f1", "exact_match"}
    assert {sample["tuned"] for sample in run.record["samples"]} <= {"dry", "wet"}
    assert (run.folder / "report.html").exists()
    assert load_adapter(run.folder, encoder, "again").classes() == ["dry", "wet"]
    if "prompt" in method or "prefix" in method:
        assert "from labels" in run.record["init"]["detail"]


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_method_without_a_head_gets_one_and_says_so(encoder: Base, rows: Path, tmp_path: Path, method: str) -> None:
    with pytest.warns(UserWarning, match=rf"is an encoder.*--method {method} is carried out as {method}\+head"):
        run = tune(encoder, rows, out=tmp_path / "out", method=method, **PLAIN)
    assert run.record["method"] == run.adapter.method == run.record["settings"]["method"] == f"{method}+head"
    seen: list = []
    with pytest.warns(UserWarning, match="carried out as"):
        tune(encoder, rows, out=tmp_path / "out", method=method, watch=seen.append, resume=True, **PLAIN)
    assert seen == [], "it is finished, and known by the settings that were asked for"


def test_the_bare_encoder_is_the_most_common_label(encoder: Base, rows: Path, tmp_path: Path) -> None:
    run = tune(encoder, rows, out=tmp_path / "out", method="head", **PLAIN)
    _, splits = read_splits(str(rows), TuneSettings(**PLAIN))
    shares = Counter(example.label for example in splits.train)
    common = max(sorted(shares), key=shares.__getitem__)
    hits = np.mean([example.label == common for example in splits.test])
    nats = np.mean([-np.log((shares[e.label] + 1) / (len(splits.train) + 2)) for e in splits.test])
    assert run.scores["base"]["accuracy"].value == pytest.approx(hits)
    assert run.scores["base"]["loss"].value == pytest.approx(nats)
    assert {sample["base"] for sample in run.record["samples"]} == {common}
    assert "the most common label" in run.verdict


def test_a_label_that_training_never_saw_is_not_impossible(rows: Path) -> None:
    examples = load(str(rows)).examples[:4]
    answers = by_frequency(examples, ["dry", "wet", "windy"], examples)
    assert answers.chosen is not None
    assert set(answers.chosen) == {0}
    assert np.isfinite(answers.sums).all()
    assert answers.sums.sum() == pytest.approx(-4 * np.log(3 / 7))


def test_a_recipe_on_an_encoder_trains_its_jobs_together(encoder: Base, rows: Path, tmp_path: Path) -> None:
    path = recipe(tmp_path, a={"method": "head"}, b={"method": "lora", "targets": "q_lin,v_lin"}, c={"method": "full"})
    with pytest.warns(UserWarning, match="carried out as"):
        runs = run_recipe(encoder, Recipe.read(path), path)
    assert [run.record["method"] for run in runs] == ["head", "lora+head", "full+head"]


@pytest.mark.filterwarnings("ignore:.*carried out as")
@pytest.mark.parametrize(
    ("text", "settings", "words"),
    [
        (
            "prompt,completion\n" + "".join(f"a {i},b {i}\n" for i in range(30)),
            {},
            ["rows.csv", "an encoder writes nothing", "decoder base", "--map"],
        ),
        (None, {"map": "text=text"}, ["rows.csv has no label to choose", "an encoder writes nothing"]),
        (None, {"method": "prompt+head", "placement": "system"}, ["placement system", "--placement front"]),
        (None, {"method": "lora+head", "targets": "q_proj"}, ["no linear layer", "'q_proj'", "q_lin"]),
        (None, {"method": "full+lora"}, ["full", "cannot be combined with other methods than head"]),
    ],
)
def test_what_an_encoder_cannot_is_refused_in_one_line(
    encoder: Base, rows: Path, tmp_path: Path, text: str | None, settings: dict, words: list[str]
) -> None:
    if text:
        rows.write_text(text)
    with refused(*words):
        tune(encoder, rows, out=tmp_path / "out", **{**PLAIN, "duplicates": "keep", **settings})


def test_an_encoder_does_not_generate(encoder: Base) -> None:
    with pytest.raises(UserError, match="is an encoder and writes nothing; choose a decoder base"):
        encoder.generate(["the rain"])
