"""The short audit at the end of a comparison: of the best adapter, within the time that is left."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import capotasto as capo
from capotasto.comparing import side_effects as module
from capotasto.comparing.side_effects import FEWEST, TOKENS, side_effects
from tests.auditing.making import write_probes
from tests.experiment.runs import write_rows
from tests.making import read_base

SETTINGS = {"val": 0.2, "test": 0.3, "budget": "20m", "methods": "zero-shot,head,prompt"}


def test_the_best_adapter_that_writes_is_audited(model: Path, tmp_path: Path) -> None:
    base, rows = read_base(model), write_rows(tmp_path / "rows.csv", 60)
    probes = write_probes(tmp_path / "probes")
    found = capo.compare(base, rows, out=tmp_path / "out", probes_dir=str(probes), **SETTINGS)
    audited = found.record["audit"]
    assert list(audited["adapters"]) == ["prompt"]
    assert audited["adapters"]["prompt"]["detached"] == {"difference": 0.0}
    assert {"forgetting", "bias", "truthfulness"} <= set(audited["adapters"]["prompt"]["skills"])
    assert "LAMBADA" in (found.folder / "report.html").read_text()


def contest(tmp_path: Path, values: dict[str, float], **settings: Any) -> Any:
    """What a comparison has come to: name of a trained contender → accuracy."""
    for name in values:
        (tmp_path / name / "adapter").mkdir(parents=True)
    done = {
        name: {"kind": "training", "method": name, "scores": {"accuracy": {"value": value}}}
        for name, value in values.items()
    }
    return SimpleNamespace(
        metric="accuracy",
        done=done,
        place=tmp_path.joinpath,
        base=None,
        timetable=SimpleNamespace(pace=0.001),
        settings=SimpleNamespace(probes_dir=str(tmp_path), seconds=1200.0, **settings),
    )


def test_rows_are_as_many_as_the_time_allows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(module, "load_adapter", lambda folder, base, name: name)
    monkeypatch.setattr(module, "audit", lambda base, adapters, settings: asked.append((adapters, settings.rows)))
    ground = contest(tmp_path, {"lora": 0.9, "prompt": 0.8, "head": 1.0})
    side_effects(ground, None, TOKENS * 0.001 * (FEWEST + 0.5))
    side_effects(ground, None, 1e6)
    assert asked == [({"lora": "lora"}, FEWEST), ({"lora": "lora"}, 40)]
    assert side_effects(ground, None, TOKENS * 0.001 * (FEWEST - 0.5)) is None
    assert len(asked) == 2


def test_a_known_audit_stays_while_the_best_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"adapters": {"lora": {}}}
    assert side_effects(contest(tmp_path, {"lora": 0.9}), known, 1e6) is known
    assert side_effects(contest(tmp_path / "none", {}), known, 1e6) is None
    monkeypatch.delenv("CAPO_DATA", raising=False)
    unnamed = contest(tmp_path / "unnamed", {"lora": 0.9})
    unnamed.settings.probes_dir = None
    assert side_effects(unnamed, None, 1e6) is None


def test_an_adapter_that_cannot_be_audited_ends_nothing(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="lora was not audited: no adapter at"):
        assert side_effects(contest(tmp_path, {"lora": 0.9}), None, 1e6) is None
