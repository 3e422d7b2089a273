"""A comparison from data to its record; on again with what is there; and what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import capotasto as capo
from capotasto.comparing import run as running
from capotasto.comparing.contenders import CONTENDERS
from capotasto.errors import UserError
from capotasto.evaluate.metric import Metric
from capotasto.session import Base
from capotasto.types import StepRecord
from tests.comparing.making import write_answers
from tests.experiment.runs import write_rows
from tests.making import make_base, read_base
from tests.refusing import refused

SIDES = {"val": 0.2, "test": 0.3}
QUICK = {**SIDES, "budget": "20m", "methods": "zero-shot,few-shot"}


@pytest.fixture(scope="module")
def found(model: Path, tmp_path_factory: pytest.TempPathFactory) -> capo.Comparison:
    """A whole comparison."""
    folder = tmp_path_factory.mktemp("compare")
    rows = write_rows(folder / "rows.csv", 60)
    return capo.compare(read_base(model), rows, out=folder / "out", budget="20m", **SIDES)


def answers(found: capo.Comparison, name: str) -> dict[str, Any]:
    return json.loads((found.folder / found.contender(name)["answers"]).read_text())


def test_every_contender_is_done_or_says_why_not(found: capo.Comparison) -> None:
    record = json.loads((found.folder / "compare.json").read_text())
    assert record == json.loads(json.dumps(found.record))
    assert [one["name"] for one in record["contenders"]] == list(CONTENDERS)
    states = {one["name"]: (one["status"], one["reason"]) for one in record["contenders"]}
    assert states.pop("retrieval") == ("skipped", "no documents were given; name them with --docs DIR")
    assert {state for state, _ in states.values()} == {"done"}, states
    assert 0 < record["seconds"] < record["budget_seconds"] == 1200
    assert record["metric"] == "accuracy"
    assert len(record["rows"]) == record["data"]["rows"]["test"] == 17


def test_it_is_ranked_and_recommended(found: capo.Comparison) -> None:
    done = {one["name"] for one in found.record["contenders"] if one["status"] == "done"}
    assert set(found.record["ranking"]) == done
    assert found.record["recommendation"]["choice"] in done
    assert "<svg" in (found.folder / "report.html").read_text()


def test_answers_and_scores_are_of_the_same_rows(found: capo.Comparison) -> None:
    truth = answers(found, "zero-shot")["truth"]
    for one in found.record["contenders"]:
        if one["status"] == "done":
            sheet = answers(found, one["name"])
            assert sheet["truth"] == truth
            assert sheet["chosen"] == np.array(sheet["chances"]).argmax(1).tolist()
            assert sheet["quality"] == [float(a == b) for a, b in zip(sheet["chosen"], truth, strict=True)]
            assert one["scores"]["accuracy"]["value"] == pytest.approx(np.mean(sheet["quality"]))
            assert one["scores"]["loss"]["value"] == pytest.approx(sum(sheet["nats"]) / sum(sheet["tokens"]), abs=1e-4)
            np.testing.assert_allclose(np.exp(sheet["chances"]).sum(1), 1, atol=1e-5)


def test_costs_are_those_of_each(found: capo.Comparison) -> None:
    costs = {one["name"]: one["costs"] for one in found.record["contenders"] if one["status"] == "done"}
    assert {costs[name]["added_tokens"] for name in ("zero-shot", "calibrated", "lora", "head", "full")} == {0}
    assert {costs[name]["added_tokens"] for name in ("prompt", "residual", "prefix")} == {20}
    assert costs["ensemble"]["added_tokens"] > 3 * 20, "each of its prompts reads the question"
    assert costs["few-shot"]["added_tokens"] > 10
    assert costs["zero-shot"]["bytes"] == 0
    assert costs["full"]["bytes"] > costs["lora"]["bytes"] > costs["head"]["bytes"] > 0
    assert costs["ensemble"]["bytes"] > 2.5 * costs["prompt"]["bytes"]
    trained = {name for name, one in costs.items() if one["train_seconds"]}
    assert trained == {"head", "prompt", "residual", "prefix", "lora", "bottleneck", "full", "ensemble", "hybrid"}
    each = found.record["timetable"]["training"]
    adapter = costs[found.contender("hybrid")["settings"]["adapter"]]
    assert costs["hybrid"]["train_seconds"] == pytest.approx(adapter["train_seconds"] + adapter["search_seconds"])
    assert all(
        costs[name]["train_seconds"] + costs[name]["search_seconds"] < each + 1.5 for name in trained - {"hybrid"}
    )
    assert all(one["latency_ms"] > 0 < one["tokens_per_second"] for one in costs.values())


def test_the_adapters_are_there_and_answer_as_it_says(found: capo.Comparison, base: Base) -> None:
    adapter = capo.load_adapter(found.folder / "contenders" / "head" / "adapter", base, "again")
    texts = [row["prompt"] for row in found.record["rows"]]
    said = [max(one, key=one.get) for one in base.classify(texts, adapter)]
    labels = found.record["data"]["labels"]
    assert said == [labels[i] for i in answers(found, "head")["chosen"]]
    assert (found.folder / "contenders" / "ensemble" / "adapter-2" / "manifest.json").exists()
    assert found.contender("lora")["settings"]["lr"] > 0
    assert found.contender("hybrid")["settings"]["adapter"] in CONTENDERS


def test_a_learning_curve_of_the_best_trained(base: Base, tmp_path: Path) -> None:
    data = write_rows(tmp_path / "rows.csv", 160)
    found = capo.compare(base, data, out=tmp_path / "out", **{**QUICK, "methods": "zero-shot,head,lora,bottleneck"})
    trained = [one for one in found.record["contenders"] if one["kind"] == "training"]
    best = sorted((one["scores"]["accuracy"]["value"] for one in trained), reverse=True)
    count = found.record["data"]["rows"]["train"]
    assert len(found.record["curve"]) == 2
    for line, score in zip(found.record["curve"], best, strict=False):
        assert [point["rows"] for point in line["points"]] == [round(0.1 * count), round(0.3 * count), count]
        assert all(point["low"] <= point["value"] <= point["high"] for point in line["points"])
        assert line["points"][-1]["value"] == found.contender(line["contender"])["scores"]["accuracy"]["value"] == score


def test_a_second_call_keeps_what_is_done_and_adds_what_is_new(base: Base, rows: Path, tmp_path: Path) -> None:
    out, seen = tmp_path / "out", []

    def watch(standing: Any, record: StepRecord | None) -> None:
        seen.append((standing.name, record))

    first = capo.compare(base, rows, out=out, api_only=True, **QUICK)
    before = [first.contender(name) for name in ("zero-shot", "few-shot")]
    more = {**QUICK, "methods": "few-shot,prompt"}
    again = capo.compare(base, rows, out=out, resume=True, watch=watch, **more)
    assert [again.contender(name) for name in ("zero-shot", "few-shot")] == before
    assert [name for name, record in seen if record is None] == ["prompt", "audit", "learning curve"]
    assert any(record and record.kind == "step" and record.job == "prompt" for _, record in seen)
    assert again.record["timetable"] == first.record["timetable"]
    assert again.record["wizard"] == first.record["wizard"] == {"api_only": True, "changing": False, "per_user": False}
    assert again.record["seconds"] > first.record["seconds"]


def test_what_failed_is_tried_again(base: Base, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = running.carry_out

    def broken(contest: Any, name: str) -> dict[str, Any]:
        return {**honest(contest, name), **({"status": "failed", "reason": "x"} if name == "few-shot" else {})}

    monkeypatch.setattr(running, "carry_out", broken)
    first = capo.compare(base, rows, out=tmp_path / "out", **QUICK)
    assert first.contender("few-shot")["status"] == "failed"
    monkeypatch.setattr(running, "carry_out", honest)
    again = capo.compare(base, rows, out=tmp_path / "out", resume=True, **QUICK)
    assert again.contender("few-shot")["status"] == "done"


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """Questions with written answers."""
    return write_answers(tmp_path / "faq.jsonl", 3)


def test_texts_are_compared_by_what_is_written(base: Base, texts: Path, tmp_path: Path) -> None:
    pytest.importorskip("rouge_score")
    found = capo.compare(base, texts, out=tmp_path / "out", **{**QUICK, "methods": "zero-shot,prompt,head"})
    assert (found.record["metric"], found.record["lower_is_better"]) == ("rouge_l", False)
    assert found.contender("head")["status"] == "skipped"
    sheet = answers(found, "prompt")
    assert sheet["chances"] is sheet["chosen"] is sheet["truth"] is None
    assert len(sheet["written"]) == len(found.record["rows"])
    assert found.contender("prompt")["scores"]["rouge_l"]["value"] == pytest.approx(np.mean(sheet["quality"]), abs=1e-5)


def test_without_the_package_for_it_the_loss_decides(
    base: Base, texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Metric, "installed", False)
    found = capo.compare(base, texts, out=tmp_path / "out", **QUICK)
    assert (found.record["metric"], found.record["lower_is_better"]) == ("loss", True)
    sheet = answers(found, "few-shot")
    wanted = [-nats / tokens for nats, tokens in zip(sheet["nats"], sheet["tokens"], strict=True)]
    assert sheet["quality"] == pytest.approx(wanted, abs=1e-5)
    assert sheet["written"] is None


def test_a_label_without_a_test_row_is_said_and_rows_are_drawn(base: Base, rows: Path, tmp_path: Path) -> None:
    test = tmp_path / "test.csv"
    test.write_text("text,label\n" + "".join(f"new {i},wet\n" for i in range(5)))
    with pytest.warns(UserWarning, match=r"No test row has the label 'dry'"):
        found = capo.compare(base, rows, out=tmp_path / "out", test_data=str(test), **QUICK)
    assert found.record["notes"] == ["No test row has the label 'dry', so nothing is said of it."]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"methods": "zero-shot,loar"}, ["unknown contender 'loar'", "'lora'"]),
        ({"methods": ""}, ["at least one contender", "few-shot"]),
        ({"metods": "lora"}, ["'metods'", "'methods'"]),
        ({"budget": "soon"}, ["'budget'", "10m"]),
        ({"budget": "0.01s"}, ["too small for 2 contenders", "at least", "--budget", "--methods"]),
        ({"docs": "no/such/folder"}, ["no documents at --docs no/such/folder"]),
        ({"methods": "retrieval"}, ["none of these contenders can take part", "--docs DIR"]),
        ({"val": 0.0}, ["validation rows", "--val"]),
        ({"test": 0.0}, ["no test rows", "--test"]),
    ],
)
def test_bad_settings_are_refused_before_any_work(
    base: Base, rows: Path, tmp_path: Path, given: dict, words: list[str]
) -> None:
    with refused(*words):
        capo.compare(base, rows, out=tmp_path / "out", **{**QUICK, **given})
    assert not (tmp_path / "out").exists()


def test_an_encoder_cannot_be_prompted(rows: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is an encoder, which cannot be prompted.*capo tune"):
        capo.compare(make_base("bert"), rows, out=tmp_path / "out", **QUICK)


def test_another_comparison_is_not_gone_on_with(base: Base, rows: Path, tmp_path: Path) -> None:
    out, small = tmp_path / "out", {**QUICK, "methods": "zero-shot"}
    capo.compare(base, rows, out=out, **small)
    with pytest.raises(UserError, match=r"not empty.*--resume.*--force"):
        capo.compare(base, rows, out=out, **small)
    with pytest.raises(UserError, match=r"compare\.json belongs to a comparison with another.*--force"):
        capo.compare(base, rows, out=out, resume=True, **{**small, "seed": 1})
    (out / "note.txt").write_text("mine")
    capo.compare(base, rows, out=out, force=True, **{**small, "seed": 1})
    assert (out / "note.txt").exists()


def test_the_package_is_the_function(base: Base, rows: Path, tmp_path: Path) -> None:
    import capotasto.comparing.settings  # noqa: F401 (it makes the package an attribute of its parent)

    assert capo.compare(base, rows, out=tmp_path / "out", **QUICK).folder == tmp_path / "out"
