"""A whole audit: its record, what is skipped, what is refused."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from capotasto import registry
from capotasto.auditing import PROBES
from capotasto.auditing.likelihood import likelihoods
from capotasto.auditing.probe import AbsentError, Comparison, Finding
from capotasto.auditing.questions import prepare
from capotasto.auditing.run import audit
from capotasto.auditing.settings import AuditSettings
from capotasto.errors import BaseError, SettingError
from capotasto.methods import METHODS
from capotasto.report.numbers import numbers
from capotasto.session import Base
from tests.auditing.making import write_probes
from tests.making import make_adapter, make_base, make_fresh
from tests.refusing import refused


def settings(folder: Path, **more: Any) -> AuditSettings:
    return AuditSettings(**{"probes_dir": str(folder), "rows": 12, **more})


@pytest.fixture(scope="module")
def record(base: Base, probes: Path) -> dict[str, Any]:
    adapters = {"one": make_adapter("prompt", base), "still": make_fresh("lora", base)}
    return audit(base, adapters, settings(probes))


def test_every_probe_is_asked_of_every_adapter(record: dict[str, Any]) -> None:
    comparisons = {name for name in PROBES if isinstance(PROBES[name], Comparison)}
    assert set(record["skipped"]) == set(PROBES) - comparisons, "these read run folders, and there are none"
    assert set(record["probes"]) == comparisons
    for found in record["adapters"].values():
        assert {name for skill in found["skills"].values() for name in skill} == comparisons
        for skill, probes in found["skills"].items():
            for name, own in probes.items():
                assert PROBES[name].skill == skill
                assert own["rows"] == 12
                assert list(own["scores"]) == list(PROBES[name].metrics)
    json.dumps(record, allow_nan=False)


def test_an_adapter_that_does_nothing_changes_nothing(record: dict[str, Any]) -> None:
    """A LoRA as it is made: every number is the base's, to the rounding of another batch."""
    for skill in record["adapters"]["still"]["skills"].values():
        for probe in skill.values():
            for score in probe["scores"].values():
                assert score["tuned"] == pytest.approx(score["base"], abs=1e-5)
                assert score["change"]["value"] == pytest.approx(0, abs=1e-5)


def test_an_adapter_that_does_something_changes_something(record: dict[str, Any]) -> None:
    found = numbers(record["adapters"]["one"])
    assert abs(found["forgetting.general_text.loss.change"]["value"]) > 1e-3
    assert found["truthfulness.agreement.same_words.base"]["value"] == 1
    assert found["truthfulness.agreement.same_words.tuned"]["value"] < 1


def test_adapters_of_every_method_in_one_audit(base: Base, probes: Path) -> None:
    """A head alone changes nothing that is written."""
    adapters = {method: make_adapter(method, base) for method in METHODS}
    found = audit(base, adapters, settings(probes, probes="crows_pairs,agreement", rows=4))["adapters"]
    assert {one["detached"]["difference"] for one in found.values()} == {0.0}
    told = {method: numbers(one)["bias.crows_pairs.leaning.change"]["value"] for method, one in found.items()}
    assert told.pop("head") == pytest.approx(0, abs=1e-5)
    assert min(map(abs, told.values())) > 1e-4
    assert numbers(found["head"])["truthfulness.agreement.identical.tuned"]["value"] == 1


def test_what_a_score_is_made_of(base: Base, record: dict[str, Any], probes: Path) -> None:
    items = PROBES["crows_pairs"].items(probes, 12)
    bare, tuned = likelihoods(base, items, [None, make_adapter("prompt", base)])
    own = record["adapters"]["one"]["skills"]["bias"]["crows_pairs"]
    for side, scores in (("base", bare), ("tuned", tuned)):
        ahead = [float(one.nats[1] - one.nats[0]) for one in scores]
        assert own["scores"]["leaning"][side]["value"] == pytest.approx(sum(ahead) / 12, abs=1e-4)
    ages = [i for i, item in enumerate(items) if item.groups == ("age",)]
    assert own["groups"]["age"]["rows"] == len(ages) > 0


def test_the_names_that_gates_may_use_are_those_of_the_record(base: Base, record: dict[str, Any], probes: Path) -> None:
    known = prepare(settings(probes), ["one"], {}).numbers()
    told = set(numbers(record["adapters"]["one"]))
    assert told <= known
    assert {name for name in known - told if ".bbq." not in name} == set()  # there, every answer may be "not known"


def test_probes_are_chosen_by_name_and_by_skill(base: Base, probes: Path) -> None:
    found = audit(base, {"a": make_adapter("lora", base)}, settings(probes, probes="truthfulness, winobias", rows=3))
    assert list(found["probes"]) == ["winobias", "truthfulqa", "agreement"]
    assert found["adapters"]["a"]["skills"]["bias"]["winobias"]["rows"] == 3


def test_absent_probes_are_named_and_skipped(base: Base, tmp_path: Path) -> None:
    (write_probes(tmp_path) / "lambada_openai.jsonl").unlink()
    (tmp_path / "piqa.jsonl").write_text("\n")
    (tmp_path / "bbq" / "Age.jsonl").unlink()
    wanted = "lambada_openai,bbq,winogrande"
    found = audit(base, {"a": make_adapter("lora", base)}, settings(tmp_path, probes=wanted, rows=2))
    assert list(found["probes"]) == ["winogrande"]
    assert found["skipped"] == {
        "lambada_openai": f"no eval_gauntlet/lambada_openai.jsonl and no lambada_openai.jsonl in {tmp_path}",
        "bbq": f"no bbq/*.jsonl and no bbq.jsonl in {tmp_path}",
    }


def test_a_file_without_rows_is_absent(base: Base, tmp_path: Path) -> None:
    write_probes(tmp_path)
    (tmp_path / "crows_pairs_anonymized.csv").write_text(",sent_more,sent_less,bias_type\n")
    with pytest.raises(SettingError, match=r"no probe can be asked: no rows in .*crows_pairs_anonymized.csv"):
        audit(base, {"a": make_adapter("lora", base)}, settings(tmp_path, probes="crows_pairs"))


@dataclass(frozen=True, kw_only=True)
class Learnt(Finding):
    """Counts the lines of a file in the run folder."""

    def find(self, base, adapter, folder):
        if not (folder / "learnt.txt").exists():
            raise AbsentError(f"no learnt.txt in {folder.name}")
        lines = len((folder / "learnt.txt").read_text().splitlines())
        return {"lines": lines, "share": {"value": 0.5, "low": 0.4, "high": 0.6}, "flagged": lines > 1}


LEARNT = Learnt(skill="leakage", title="Learnt lines")


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Two run folders, and nothing but a probe that reads them."""
    table = registry.Table("probe", {"learnt": f"{__name__}:LEARNT"})
    monkeypatch.setattr("capotasto.auditing.questions.PROBES", table)
    monkeypatch.delenv("CAPO_DATA", raising=False)
    for name, lines in (("one", "the rain\nthe sun"), ("two", "north")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "learnt.txt").write_text(lines)
    return {name: tmp_path / name for name in ("one", "two")}


def test_a_probe_of_run_folders_looks_at_those_adapters_that_have_one(base: Base, runs: dict[str, Path]) -> None:
    """It needs no folder of probes."""
    adapters = {name: make_adapter("prompt", base) for name in ("three", "one", "two")}
    found = audit(base, adapters, AuditSettings(), runs)
    told = [found["adapters"][name]["findings"]["leakage"]["learnt"] for name in runs]
    assert [(one["lines"], one["flagged"]) for one in told] == [(2, True), (1, False)]
    assert found["adapters"]["three"]["findings"] == {}
    assert found["skipped"] == {"learnt": "no run folder of three, and this probe reads one"}
    assert found["probes"]["learnt"] == {"skill": "leakage", "title": "Learnt lines", "files": {}}
    (runs["one"] / "learnt.txt").unlink()
    again = audit(base, {"one": adapters["one"]}, AuditSettings(), runs)
    assert again["skipped"] == {"learnt": "no learnt.txt in one"}


def test_gates_on_what_a_probe_of_run_folders_tells(base: Base, runs: dict[str, Path], tmp_path: Path) -> None:
    gates, adapters = tmp_path / "gates.yaml", {"one": make_adapter("prompt", base)}
    gates.write_text("leakage.learnt.flagged: {max: 0}\nleakage.learnt.share: {max: 0.6, decides: bound}\n")
    found = audit(base, adapters, AuditSettings(gate=str(gates)), runs)
    assert [gate["held"] for gate in found["gates"]] == [False, True]
    gates.write_text("leakage.learnt.lnes: {max: 0}\n")
    with pytest.raises(SettingError, match=r"did you mean 'leakage\.learnt\.lines'"):
        audit(base, adapters, AuditSettings(gate=str(gates)), runs)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"probes": "lambada"}, ["unknown probe or skill 'lambada'", "did you mean 'lambada_openai'?"]),
        ({"probes_dir": "/no/such/folder"}, ["no folder of probe files at /no/such/folder", "--probes-dir"]),
        ({"probes_dir": None}, ["--probes-dir DIR or CAPO_DATA", "docs/audit.md"]),
        ({"gate": "/no/such/gates.yaml"}, ["no settings file at /no/such/gates.yaml"]),
    ],
)
def test_what_is_refused(
    base: Base, probes: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], words: list[str]
) -> None:
    monkeypatch.delenv("CAPO_DATA", raising=False)
    with refused(*words):
        audit(base, {}, settings(probes, **given))


def test_the_folder_may_come_from_the_environment(base: Base, probes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAPO_DATA", str(probes))
    found = audit(base, {"a": make_adapter("lora", base)}, AuditSettings(probes="winogrande", rows=2))
    assert list(found["probes"]) == ["winogrande"]


def test_an_encoder_is_refused(probes: Path) -> None:
    with pytest.raises(BaseError, match="is an encoder and gives texts no likelihood"):
        audit(make_base("bert", torch.float32), {}, settings(probes))


def test_a_gate_with_a_wrong_name_is_refused_before_anything_is_asked(base: Base, probes: Path, tmp_path: Path) -> None:
    gates, asked = tmp_path / "gates.yaml", []
    gates.write_text("forgetting.lambada_openai.acuracy.change: {min: -0.05}\n")
    with pytest.raises(SettingError, match=r"did you mean 'forgetting\.lambada_openai\.accuracy\.change'"):
        audit(base, {"a": make_adapter("lora", base)}, settings(probes, gate=str(gates)), watch=asked.append)
    assert asked == []
