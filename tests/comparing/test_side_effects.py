"""The short audit at the end of a comparison: of the best adapter, within the time that is left."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import capotasto as capo
from capotasto.comparing import side_effects as module
from capotasto.comparing.contest import Contest
from capotasto.comparing.side_effects import FEWEST, FILE_TOKENS, FILES, LEAK_TOKENS, LEAKS, side_effects
from capotasto.types import Example, Turn
from tests.auditing.making import write_probes
from tests.experiment.runs import write_rows
from tests.making import read_base

TEXT = Example((Turn("text", "words", learn=True),))
SETTINGS = {"val": 0.2, "test": 0.3, "budget": "20m", "methods": "zero-shot,head,prompt"}


def test_the_best_adapter_that_writes_is_audited(model: Path, tmp_path: Path) -> None:
    base, rows = read_base(model), write_rows(tmp_path / "rows.csv", 60)
    probes = write_probes(tmp_path / "probes")
    found = capo.compare(base, rows, out=tmp_path / "out", probes_dir=str(probes), **SETTINGS)
    audited = found.record["audit"]
    assert list(audited["adapters"]) == ["prompt"]
    assert audited["adapters"]["prompt"]["detached"] == {"difference": 0.0}
    assert {"forgetting", "bias", "truthfulness"} <= set(audited["adapters"]["prompt"]["skills"])
    assert set(audited["adapters"]["prompt"]["findings"]["leakage"]) == {"membership", "outputs", "extraction"}
    assert "LAMBADA" in (found.folder / "report.html").read_text()


def test_what_was_learnt_is_looked_for_without_any_files(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CAPO_DATA", raising=False)
    base, rows = read_base(model), write_rows(tmp_path / "rows.csv", 80)
    found = capo.compare(base, rows, out=tmp_path / "out", **{**SETTINGS, "methods": "zero-shot,prompt"})
    leaks = found.record["audit"]["adapters"]["prompt"]["findings"]["leakage"]
    test = len(found.record["rows"])
    assert leaks["membership"]["rows"] == {"train": 40, "held_out": test}
    assert leaks["outputs"]["rows"] == test
    assert found.record["audit"]["adapters"]["prompt"]["skills"] == {}
    page = (found.folder / "report.html").read_text()
    assert "Membership of training rows" in page


def contest(tmp_path: Path, values: dict[str, float]) -> Any:
    """What a comparison has come to: name of a trained contender → accuracy."""
    for name in values:
        (tmp_path / "contenders" / name / "adapter").mkdir(parents=True)
    done = {
        name: {"name": name, "kind": "training", "method": name, "scores": {"accuracy": {"value": value}}}
        for name, value in values.items()
    }
    settings: Any = SimpleNamespace(probes_dir=str(tmp_path), seconds=1200.0)
    task: Any = SimpleNamespace(dataset=SimpleNamespace(labels=["yes", "no"]))
    ground: Any = Contest(None, "", settings, task, tmp_path, done)  # type: ignore[arg-type]
    ground.question = 20.0
    ground.timetable = SimpleNamespace(pace=0.001)
    return ground


def test_the_best_score_is_first_among_the_trained(tmp_path: Path) -> None:
    ground = contest(tmp_path, {"lora": 0.8, "prompt": 0.9, "head": 0.9})
    ground.done["zero-shot"] = {"name": "zero-shot", "kind": "prompting", "scores": {"accuracy": {"value": 1.0}}}
    assert [record["name"] for record in ground.trained] == ["prompt", "head", "lora"]
    losses = {name: {**record, "scores": {"loss": {"value": len(name)}}} for name, record in ground.done.items()}
    text = SimpleNamespace(dataset=SimpleNamespace(labels=[]), splits=SimpleNamespace(train=[TEXT]))
    ground = Contest(ground.base, "", ground.settings, text, tmp_path, losses)  # type: ignore[arg-type]
    assert [record["name"] for record in ground.trained] == ["lora", "head", "prompt"]


def test_rows_are_as_many_as_the_time_allows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(module, "load_adapter", lambda folder, base, name: name)
    monkeypatch.setattr(module, "_rows", lambda contest, most: most)
    monkeypatch.setattr(
        module, "audit", lambda base, adapters, settings, runs: asked.append((runs, settings.rows, settings.probes))
    )
    ground = contest(tmp_path, {"lora": 0.9, "prompt": 0.8, "head": 1.0})
    leaks = LEAK_TOKENS + 10 * 20.0
    every = [*FILES, *LEAKS]
    for tokens in ((leaks + FILE_TOKENS) * (FEWEST + 0.5), 1e9, leaks * (FEWEST + 0.5)):
        side_effects(ground, None, tokens * 0.001)
    assert asked == [({"lora": FEWEST}, FEWEST, every), ({"lora": 24}, 24, every), ({"lora": FEWEST}, FEWEST, [*LEAKS])]
    assert side_effects(ground, None, leaks * 0.001 * (FEWEST - 0.5)) is None
    assert len(asked) == 3


def test_a_known_audit_stays_while_the_best_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"adapters": {"lora": {}}}
    assert side_effects(contest(tmp_path, {"lora": 0.9}), known, 1e6) is known
    assert side_effects(contest(tmp_path / "none", {}), known, 1e6) is None
    monkeypatch.delenv("CAPO_DATA", raising=False)
    unnamed = contest(tmp_path / "unnamed", {"lora": 0.9})
    unnamed.settings.probes_dir = None
    assert side_effects(unnamed, known, 1e6) is known


def test_an_adapter_that_cannot_be_audited_ends_nothing(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="lora was not audited: no adapter at"):
        assert side_effects(contest(tmp_path, {"lora": 0.9}), None, 1e6) is None
