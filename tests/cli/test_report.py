"""`capo report` makes the page of a folder anew."""

import json
from pathlib import Path

import pytest

from capotasto.cli import wizard
from capotasto.comparing.wizard_settings import WizardSettings
from tests.cli.conftest import Capo
from tests.comparing import comparisons


def test_a_comparison_that_was_stopped_is_ranked_as_far_as_it_went(capo: Capo, tmp_path: Path) -> None:
    content, answers = comparisons.record(40, ("zero-shot", "head", "lora"))
    content["contenders"][1] |= comparisons.unfinished("lora", "failed", "interrupted", "training")
    folder = comparisons.write(tmp_path / "compared", content, {name: answers[name] for name in ("zero-shot", "head")})
    done = capo("report", folder, "--json")
    assert done.code == 0
    assert done.json["pages"] == [str(folder / "report.html")]
    assert done.json["recommendation"]["choice"] == "head"
    assert json.loads((folder / "compare.json").read_text())["ranking"] == ["head", "zero-shot"]
    assert "lora" in (folder / "report.html").read_text()


def test_the_pages_of_a_training_and_of_its_audit_are_made_anew(capo: Capo, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"verdict": "It helps: by a lot."}')
    (tmp_path / "audit.json").write_text(json.dumps(comparisons.AUDIT))
    done = capo("report", tmp_path, "--json")
    assert done.code == 0
    assert done.json["pages"] == [str(tmp_path / "report.html"), str(tmp_path / "audit.html")]
    assert "LAMBADA" in (tmp_path / "audit.html").read_text()
    assert "It helps: by a lot." in (tmp_path / "report.html").read_text()


def test_a_folder_of_nothing_known_is_refused(capo: Capo, tmp_path: Path) -> None:
    done = capo("report", tmp_path)
    assert done.code == 2
    line = " ".join(done.stderr.split())
    assert "nothing to report on in" in line
    assert (
        "it holds none of compare.json, search.json, run.json, audit.json; name a folder that capo has written" in line
    )


def test_the_users_answers_change_the_recommendation_and_are_kept(capo: Capo, tmp_path: Path) -> None:
    folder = comparisons.write(tmp_path, *comparisons.record(100, ("zero-shot", "few-shot", "lora")))
    assert "Fine-tune: use lora" in capo("report", folder).stdout
    assert json.loads((folder / "compare.json").read_text())["recommendation"]["choice"] == "lora"
    for flags in (["--api-only"], []):
        assert capo("report", folder, *flags).code == 0
        kept = json.loads((folder / "compare.json").read_text())
        assert kept["wizard"] == {"api_only": True, "changing": False, "per_user": False}
        assert kept["recommendation"]["text"].startswith("Do not fine-tune")


def test_answers_without_a_comparison_are_refused(capo: Capo, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    done = capo("report", tmp_path, "--changing")
    assert done.code == 2
    assert "holds no comparison, and only that asks questions; leave the answers out" in " ".join(done.stderr.split())


def test_the_wizard_asks_what_no_flag_has_said(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(wizard.typer, "confirm", lambda words, **_: bool(asked.append(words)) or len(asked) == 1)
    found = wizard.ask(WizardSettings(wizard=True, changing=True))
    assert found.answers == {"api_only": True, "changing": True, "per_user": False}
    assert asked == [
        "The model will be used behind an API that takes no adapters?",
        "Each user has data of their own to be answered from?",
    ]
    assert wizard.ask(WizardSettings()).answers is None
    assert len(asked) == 2
