from pathlib import Path

import pytest

from capotasto.base import machine
from tests.cli.conftest import Capo, interrupted

# command line → what its one line on stderr promises: cause, place, remedy
MISUSE = {
    "tune": ["no data", "capo tune DATA --out DIR"],
    "tune {rows}": ["no folder", "--out DIR"],
    "tune missing.csv --out x --base {base}": ["no data file at missing.csv", "check the path"],
    "tune {rows} --out {tuned} --base {base}": ["is not empty", "--resume", "--force"],
    "tune {rows} --out {tuned} --base {base} --dry-run": ["is not empty", "--resume", "--force"],
    "tune {rows} --out x --epochs many": ["'epochs' in the command line", "integer", "got 'many'"],
    "tune {rows} --out x --epochs 0": ["'epochs' in the command line", "greater than or equal to 1", "got '0'"],
    "tune {rows} --out x --placement behind": ["'placement'", "'front', 'after_bos' or 'system'", "got 'behind'"],
    "tune {rows} --out x --map text": ["'map'", "prompt=question,completion=reply"],
    "tune {rows} --out x --method lorra --base {base}": ["unknown method 'lorra'", "did you mean 'lora'?"],
    "tune {rows} --out x --epoch 3": ["No such option: --epoch", "--epochs", "capo tune --help"],
    "tune --config missing.yaml": ["no settings file at missing.yaml", "check the path"],
    "tune --config {config}": ["unknown setting 'epoch' in", "bad.yaml", "did you mean 'epochs'?"],
    "tune {rows} --out x --base nowhere": ["unknown base 'nowhere'", "owner/name, a folder or a .gguf file"],
    "tun": ["No such command 'tun'", "'tune'", "capo --help"],
    "generate": ["PROMPT", "capo generate --help"],
    "generate hi --temperature hot": ["'temperature'", "number", "got 'hot'"],
    "generate hi --adapter {tuned} --adapter {tuned}": ["'moods' is used twice", "--adapter NAME="],
    "eval {rows} --adapter base={tuned}": ["the name 'base'", "NAME="],
    "generate hi --adapter =x": ["--adapter =x", "NAME=DIR"],
    "generate hi --base {base} --adapter nowhere": ["no adapter at nowhere", "capo tune"],
    "eval": ["DATA", "capo eval --help"],
    "eval {rows} --max-rows 0": ["'max_rows'", "greater than or equal to 1"],
    "data {rows} --map prompt=nothing,completion=label": ["no column 'nothing'", "known: label, text"],
    "data {rows} --val 0.6 --test 0.6": ["val=0.6 and test=0.6", "together below 1"],
    "inspect nowhere": ["no adapter at nowhere", "adapter_model.safetensors", "capo tune"],
    "inspect {broken}": ["adapter_model.safetensors holds no adapter", "from its source again"],
}


@pytest.fixture
def names(base: Path, rows: Path, tuned: Path, tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "bad.yaml").write_text("epoch: 3\n")
    (tmp_path / "adapter_model.safetensors").write_bytes(b"not tensors")
    return {"base": base, "rows": rows, "tuned": tuned, "config": tmp_path / "bad.yaml", "broken": tmp_path}


@pytest.mark.parametrize("line", MISUSE)
def test_misuse_is_one_line_with_a_remedy(line: str, names: dict[str, Path], capo: Capo) -> None:
    done = capo(*(word.format(**names) for word in line.split()))
    assert done.code == 2
    assert done.stdout == ""
    [told] = done.stderr.splitlines()
    assert told.startswith("capo: ")
    assert [promise for promise in MISUSE[line] if promise not in told] == []


def test_with_json_the_error_is_on_stdout_too(capo: Capo) -> None:
    done = capo("data", "missing.csv", "--json")
    assert done.code == 2
    assert done.stderr == f"capo: {done.json['error']}\n"


def test_an_unexpected_fault_is_one_line_that_says_how_to_see_more(capo: Capo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAPO_DEBUG", raising=False)
    monkeypatch.setattr(machine, "facts", lambda: 1 / 0)
    done = capo("doctor")
    assert done.code == 1
    [told] = done.stderr.splitlines()
    assert (
        told == "capo: unexpected ZeroDivisionError: division by zero; set CAPO_DEBUG=1 and run it again to see where"
    )
    monkeypatch.setenv("CAPO_DEBUG", "1")
    assert "Traceback" in capo("doctor").stderr


def test_ctrl_c_is_not_an_error_report(capo: Capo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "facts", interrupted)
    done = capo("doctor")
    assert (done.code, done.stdout, done.stderr) == (130, "", "capo: interrupted\n")


def test_a_warning_is_one_line(tuned: Path, base: Path, capo: Capo) -> None:
    done = capo("generate", "hi", "--base", base, "--trust-remote-code", "--max-new-tokens", 1, "--json")
    assert done.code == 0
    [told] = done.stderr.splitlines()
    assert told.startswith("capo: warning: trust_remote_code: Python files")
    assert len(done.json) == 1
