"""The tasks in examples/lm_eval run on a tiny base, without a network, over files like the real ones."""

import json

import pytest

from capotasto.cli import main
from tests.examples.pages import ROOT
from tests.lm_eval.conftest import own_tasks_only  # noqa: F401  the same fixture here

FOLDER = ROOT / "examples" / "lm_eval"
CHOICES = [{"query": "Question: the sun?", "choices": ["rain", "on the shore"], "gold": 1}] * 2
FILES = {
    "eval_gauntlet/arc_easy.jsonl": CHOICES,
    "eval_gauntlet/piqa.jsonl": CHOICES,
    "eval_gauntlet/lambada_openai.jsonl": [{"context": "the rain in the", "continuation": "north"}],
    "gsm8k/test.jsonl": [{"question": "one and one?", "answer": "two\n#### 2"}],
    "gsm8k/train.jsonl": [{"question": f"{i}?", "answer": f"#### {i}"} for i in range(3)],
    "hellaswag_val_1000/hellaswag.jsonl": [
        {
            "activity_label": "Sun",
            "ctx_a": "It rises [title] here.",
            "ctx_b": "then",
            "endings": ["it [step] sets.", "rain"],
            "label": 0,
        }
    ],
}


@pytest.fixture
def data(tmp_path, monkeypatch):
    for name, rows in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    targets = {"It shines": 1, "It sings": 0, "It is a star": 1}
    rows = [{"question": "What does the sun do?", "mc1_targets": targets, "mc2_targets": targets}]
    (tmp_path / "truthfulqa").mkdir()
    (tmp_path / "truthfulqa" / "mc_task.json").write_text(json.dumps(rows), encoding="utf-8")
    (tmp_path / "wikitext2").mkdir()
    text = " \n = The Sun = \n \n It shines . \n \n = = Rain = = \n \n It falls . \n = North = \n \n It is cold . \n"
    (tmp_path / "wikitext2" / "test.txt").write_text(text, encoding="utf-8")
    monkeypatch.setenv("CAPO_DATA", str(tmp_path))
    return tmp_path


def evaluate(base, *arguments):
    where = ["--model_args", f"base={base}", "--include_path", str(FOLDER)]
    return main(["lm-eval", *where, "--json", *arguments])


@pytest.mark.usefixtures("own_tasks_only")
def test_every_task_runs(data, model, capfd):
    pytest.importorskip("lm_eval")
    names = sorted(path.stem for path in FOLDER.glob("*.yaml"))
    assert evaluate(model, "--tasks", ",".join(names), "--gen_kwargs", "max_gen_toks=4") == 0
    found = json.loads(capfd.readouterr().out)
    assert sorted(found["results"]) == names
    assert found["n-samples"]["local_wikitext2"]["original"] == 2, "one row an article"
    assert 0 < found["results"]["local_truthfulqa_mc2"]["acc,none"] < 1


def test_rows_are_made_as_the_page_says(data, monkeypatch):
    pytest.importorskip("datasets")
    monkeypatch.syspath_prepend(str(FOLDER))
    import local

    [row] = local.hellaswag("hellaswag_val_1000/hellaswag.jsonl")["test"]
    assert row == {"query": "Sun: It rises. here. Then", "choices": ["it sets.", "rain"], "gold": 0}
    second = local.articles("wikitext2/test.txt")["test"][1]
    assert second["text"].startswith(" = North = ")


@pytest.mark.usefixtures("own_tasks_only")
def test_a_missing_file_is_named(model, tmp_path, monkeypatch):
    pytest.importorskip("lm_eval")
    monkeypatch.setenv("CAPO_DATA", str(tmp_path))
    with pytest.raises(SystemExit, match=r"no file .*arc_easy.jsonl; set CAPO_DATA"):
        evaluate(model, "--tasks", "local_arc_easy")
