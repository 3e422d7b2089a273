"""Heads that tell numbers and find labels: from a file to a judged adapter, against plain arithmetic."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from capotasto import load_adapter, tune
from capotasto.errors import AdapterError, DataError, SettingError
from capotasto.objectives import row_losses
from capotasto.objectives.heads import encode
from capotasto.session import Base
from tests import reference
from tests.experiment.runs import WORDS
from tests.making import make_base, make_examples, make_fresh
from tests.refusing import refused

QUICK = {"method": "head", "epochs": 2, "batch_tokens": 96, "val": 0.2, "test": 0.4}


def write(path: Path, kind: str, count: int = 60) -> Path:
    """Texts with one score, two scores, or lists of labels."""
    chance = random.Random(0)
    with path.open("w") as file:
        for i in range(count):
            words = [chance.choice(WORDS) for _ in range(chance.randint(3, 7))]
            row = {"text": f"{' '.join(words)} {i}"}
            if kind == "tags":
                row["tags"] = sorted({word for word in words if word in WORDS[:3]})
            else:
                row["score"] = 5.0 + words.count("rain") * 10
                row["length"] = len(words)
            if kind == "score":
                del row["length"]
            file.write(json.dumps(row) + "\n")
    return path


KINDS = {
    "score": ("regress", {}, {"root_mean_square_error", "mean_absolute_error", "pearson", "spearman"}),
    "scores": (
        "regress",
        {"map": {"text": "text", "score": "score|length"}},
        {"root_mean_square_error", "mean_absolute_error", "pearson", "spearman"},
    ),
    "tags": ("multilabel", {}, {"micro_f1", "macro_f1"}),
}


@pytest.mark.parametrize("method", ["head", "lora+head"])
@pytest.mark.parametrize("kind", KINDS)
def test_from_a_file_to_a_judged_head(base: Base, tmp_path: Path, kind: str, method: str) -> None:
    objective, more, metrics = KINDS[kind]
    data = write(tmp_path / "d.jsonl", kind)
    run = tune(base, data, out=tmp_path / "out", **{**QUICK, **more, "method": method, "rank": 2})
    assert run.record["objective"] == objective
    assert set(run.scores["tuned"]) == set(run.scores["base"]) == metrics
    assert (run.folder / "report.html").read_text().count("Told and true numbers") == (objective == "regress")
    again = load_adapter(run.folder, base, "again")
    texts = ["rain and sun", "north"]
    found = base.classify(texts, again)
    assert found == base.classify(texts, run.adapter)
    assert base.label(texts, again) == base.label(texts, run.adapter)
    if kind == "score":
        assert all(isinstance(number, float) for number in found)
    else:
        names = ["score", "length"] if kind == "scores" else sorted(WORDS[:3])
        assert [list(one) for one in found] == [names] * 2
    if kind == "tags":
        assert all(0 < chance < 1 for one in found for chance in one.values())
        assert base.label(texts, again) == [", ".join(n for n, chance in one.items() if chance >= 0.5) for one in found]


def test_numbers_are_learnt_in_units_of_their_spread_and_told_in_their_own(base: Base, tmp_path: Path) -> None:
    run = tune(
        base, write(tmp_path / "d.jsonl", "scores"), out=tmp_path / "out", map=KINDS["scores"][1]["map"], **QUICK
    )
    manifest = json.loads((run.folder / "manifest.json").read_text())["shape"]
    head = run.adapter.head()
    assert (manifest["mean"], manifest["std"]) == (head.mean.tolist(), head.std.tolist())
    assert 5 < manifest["mean"][0] < 30
    pairs = run.record["predictions"]
    assert list(pairs) == ["score", "length"]
    told = np.array(pairs["score"]["told"]) - np.array(pairs["score"]["true"])
    other = np.array(pairs["length"]["told"]) - np.array(pairs["length"]["true"])
    assert run.scores["tuned"]["mean_absolute_error"].value == pytest.approx((abs(told).mean() + abs(other).mean()) / 2)
    true = np.array(pairs["score"]["true"]), np.array(pairs["length"]["true"])
    assert run.scores["base"]["root_mean_square_error"].value == pytest.approx((true[0].std() + true[1].std()) / 2)


@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize("objective", ["classify", "regress", "multilabel"])
def test_losses_equal_the_naive_ones(objective: str, norm: bool) -> None:
    exact = make_base("gpt2", torch.float64)
    adapter = make_fresh("lora+head", exact, objective=objective, head_norm=norm)
    head, names = adapter.head(), adapter.classes()
    head.mean.copy_(torch.tensor([1.0, 2.0, 3.0]))
    head.std.copy_(torch.tensor([0.5, 1.0, 2.0]))
    answers = {"label": names[1], "labels": (names[0], names[2]), "scores": (0.5, 3.0, 1.0)}
    key = {"classify": "label", "multilabel": "labels", "regress": "scores"}[objective]
    examples = [type(one)(one.turns, **{key: answers[key]}) for one in make_examples(4)]
    rows = [encode(exact.renderer(adapter), example, adapter) for example in examples]
    sums, counts = row_losses(exact, rows, [adapter] * 4)
    model = reference.untouched(exact)
    for row, found in zip(rows, sums, strict=True):
        out = head(reference.states_alone(model, row, adapter)[-1].float())
        wanted = {
            "classify": lambda out: F.cross_entropy(out, torch.tensor(1)),
            "multilabel": lambda out: F.binary_cross_entropy(out.sigmoid(), torch.tensor([1.0, 0, 1]), reduction="sum"),
            "regress": lambda out: ((out - torch.tensor([-1.0, 1.0, -1.0])) ** 2).sum(),
        }[objective](out)
        assert found.item() == pytest.approx(wanted.item(), rel=1e-5)
    assert counts == [1 if objective == "classify" else 3] * 4


def table(path: Path, *rows: str, header: str = "text,label") -> Path:
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


LABELLED = [f"row {i},{'ab'[i % 2]}" for i in range(12)]
CASES = {
    "an objective without a head": ({"method": "lora", "objective": "regress"}, LABELLED, ["lora+head", "writes text"]),
    "text from a head": ({"objective": "lm"}, LABELLED, ["writes no text", "--objective"]),
    "an unknown objective": ({"objective": "rank"}, LABELLED, ["'objective'", "'regress'"]),
    "labels that are no numbers": ({"objective": "regress"}, LABELLED, ["d.csv:2", "'label' holds 'a'", "skip"]),
    "numbers that do not vary": (
        {"objective": "regress"},
        [f"row {i},3" for i in range(12)],
        ["column 'label'", "3 on every training row", "varies"],
    ),
    "weight of a prompt": ({"prompt_weight": 0.1}, LABELLED, ["--prompt-weight"]),
    "smoothed numbers": (
        {"objective": "multilabel", "label_smoothing": 0.1},
        LABELLED,
        ["multilabel", "--label-smoothing"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_does_not_fit_together_is_refused_in_one_line(base: Base, tmp_path: Path, case: str) -> None:
    settings, rows, words = CASES[case]
    with refused(*words):
        tune(base, table(tmp_path / "d.csv", *rows), out=tmp_path / "out", **{**QUICK, **settings})


def test_data_without_answers_for_a_head_is_refused(base: Base, tmp_path: Path) -> None:
    data = table(tmp_path / "d.csv", *(f"row {i}" for i in range(12)), header="text")
    with pytest.raises(SettingError, match=r"read as text.*--map"):
        tune(base, data, out=tmp_path / "out", **QUICK)
    with pytest.raises(DataError, match=r"objective regress.*--map text=COLUMN --map score=COLUMN"):
        tune(base, data, out=tmp_path / "out", **QUICK, objective="regress")


def test_an_adapter_without_a_head_does_not_classify(base: Base) -> None:
    with pytest.raises(AdapterError, match="'a' writes text"):
        base.classify(["x"], make_fresh("prompt", base))


@pytest.mark.parametrize("side", ["val_data", "test_data"])
@pytest.mark.parametrize("kind", ["label", "tags"])
def test_a_label_that_training_never_saw_is_named_with_its_row(
    base: Base, tmp_path: Path, side: str, kind: str
) -> None:
    data = table(tmp_path / "d.csv", *LABELLED, header=f"text,{kind}")
    other = table(tmp_path / "e.csv", "new one,a", "new two,c", header=f"text,{kind}")
    mapping = {"text": "text", ("label" if kind == "label" else "labels"): kind}
    with pytest.raises(DataError) as caught:
        tune(base, data, out=tmp_path / "out", map=mapping, **QUICK, **{side: str(other)})
    for words in ("e.csv:3", "'c'", "never saw", "a, b", "correct the row"):
        assert words in str(caught.value)
