"""`capo audit DIR --probes leakage`: from the run folder alone."""

from pathlib import Path

import pytest

from tests.cli.conftest import Capo


def test_leaks_are_looked_for_without_a_folder_of_probes(
    tuned: Path, base: Path, capo: Capo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CAPO_DATA", raising=False)
    done = capo("audit", tuned, "--base", base, "--probes", "leakage")
    assert done.code == 0
    assert "Leakage: Membership of training rows" in done.stdout
    assert "areas.gain" in done.stdout
    assert "hold no canaries" in " ".join(done.stdout.split())


def test_a_gate_on_a_leak_falls(tuned: Path, base: Path, capo: Capo, tmp_path: Path) -> None:
    (tmp_path / "gates.yaml").write_text("leakage.membership.areas.loss: {max: 0.0}\n")
    done = capo("audit", tuned, "--base", base, "--probes", "membership", "--gate", tmp_path / "gates.yaml")
    assert done.code == 4
    assert "1 of 1 gates fell" in done.stderr
