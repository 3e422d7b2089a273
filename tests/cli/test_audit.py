import json
from pathlib import Path

import pytest

from tests.auditing.making import write_probes
from tests.cli.conftest import Capo, Done

NUMBER = "forgetting.winogrande.accuracy.change"


@pytest.fixture(scope="module")
def probes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_probes(tmp_path_factory.mktemp("probes"))


@pytest.fixture
def audit(tuned: Path, base: Path, probes: Path, capo: Capo, monkeypatch: pytest.MonkeyPatch):
    """The command over a trained adapter, with few rows."""
    monkeypatch.delenv("CAPO_DATA", raising=False)

    def run(*more: object, rows: int = 10) -> Done:
        return capo("audit", tuned, "--base", base, "--probes-dir", probes, "--rows", rows, *more)

    return run


def gates(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "gates.yaml"
    path.write_text(text)
    return path


def test_an_audit_as_json_and_on_disk(audit, tuned: Path) -> None:
    done = audit("--json")
    assert (done.code, done.stderr) == (0, "")
    assert done.json == json.loads((tuned / "audit.json").read_text())
    assert set(done.json["adapters"]["moods"]["skills"]) == {"forgetting", "bias", "truthfulness"}
    assert done.json["adapters"]["moods"]["detached"] == {"difference": 0.0}
    assert "CrowS-Pairs, group by group" in (tuned / "audit.html").read_text()


def test_what_an_audit_shows(audit, tmp_path: Path) -> None:
    wanted = ("--probes", "winogrande,crows_pairs,bbq,lambada_openai")
    done = audit(*wanted, "--gate", gates(tmp_path, f"{NUMBER}: {{min: -1}}"))
    shown = " ".join(done.stdout.split())
    assert done.code == 0
    for promise in (
        "Forgetting, with 95 % intervals",
        "WinoGrande, who is meant (10 rows)",
        "Bias, with 95 % intervals",
        "Stereotyped",
        NUMBER,
        "at least −1, by its value",
        "holds",
        "its logits differ by 0, bit for bit",
        "audit.json, audit.html",
    ):
        assert promise in shown


def test_a_probe_alone_and_one_that_is_absent(audit, base: Path, tuned: Path, tmp_path: Path, capo: Capo) -> None:
    write_probes(tmp_path)
    (tmp_path / "bbq" / "Age.jsonl").unlink()
    done = capo("audit", tuned, "--base", base, "--probes-dir", tmp_path, "--probes", "bbq,stereoset", "--rows", 3)
    shown = " ".join(done.stdout.split())
    assert "Bias: StereoSet (3 rows), with 95 % intervals" in shown
    assert "Without bbq no bbq/*.jsonl and no bbq.jsonl in" in shown


def test_a_fallen_gate_has_an_exit_code_of_its_own(audit, tuned: Path, tmp_path: Path) -> None:
    path = gates(tmp_path, f"{NUMBER}: {{min: 2}}\ndetached.difference: {{max: 0}}\n")
    done = audit("--probes", "winogrande", "--gate", path)
    assert done.code == 4
    [change] = [gate["found"]["value"] for gate in json.loads((tuned / "audit.json").read_text())["gates"]][:1]
    found = f"{change:.3g}".replace("-", "−")
    assert done.stderr.startswith(f"capo: 1 of 2 gates fell: {NUMBER} is {found}")
    assert done.stderr.endswith(", wanted at least 2, by its value\n")
    assert done.stderr.count("\n") == 1
    assert "fell" in done.stdout
    assert "1 of 2 gates fell" in (tuned / "audit.html").read_text()
    as_json = audit("--probes", "winogrande", "--gate", path, "--json")
    assert as_json.code == 4
    assert [(gate["number"], gate["held"]) for gate in as_json.json["gates"]] == [
        (NUMBER, False),
        ("detached.difference", True),
    ]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--probes", "lambda"), "unknown probe or skill 'lambda' in --probes; did you mean 'lambada_openai'?"),
        (("--rows", 1), "setting 'rows' in the command line"),
        (("--gate", "none.yaml"), "no settings file at none.yaml; check the path"),
        (("--probes-dir", "nowhere"), "no folder of probe files at nowhere"),
    ],
)
def test_bad_input(audit, more: tuple, words: str) -> None:
    done = audit(*more)
    assert (done.code, done.stdout) == (2, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_no_adapter_there(base: Path, tmp_path: Path, capo: Capo) -> None:
    done = capo("audit", tmp_path / "x", "--base", base)
    assert done.code == 2
    assert "there is no such folder; name the one that `capo tune` wrote" in done.stderr
