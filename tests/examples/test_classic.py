"""The classic recipe: its own figure, its settings, and its script on a tiny base."""

import csv
import json
import re
import runpy
import sys

import pytest
import torch
import yaml
from transformers import BloomConfig, BloomForCausalLM

from capotasto.cli import main
from capotasto.experiment.settings import TuneSettings
from capotasto.methods.prompt import PromptAdapter
from tests.examples.pages import ROOT

CONFIGS = sorted((ROOT / "examples" / "classic").glob("*.yaml"))
ELSEWHERE = ("data", "base", "out", "dtype", "device")  # settings of the command that are not of the training
WORDS = ("I", "want", "you", "to", "act", "as", "a", "guide", "who", "tells", "of", "the", "north", "and", "shore")


@pytest.fixture
def data(workplace):
    """Role prompts and quotes, twenty rows each."""
    with (workplace / "prompts.csv").open("w", newline="") as stream:
        rows = [(f"Guide {i}", " ".join(WORDS[: 6 + i % 7]) + f" for {i} days.") for i in range(20)]
        csv.writer(stream).writerows([("act", "prompt"), *rows])
    quotes = [{"quote": f"Rain falls {i} times, and the sun comes once more."} for i in range(20)]
    (workplace / "quotes.jsonl").write_text("".join(json.dumps(row) + "\n" for row in quotes), encoding="utf-8")
    return workplace


def test_the_recipe_trains_4096_of_559218688_parameters():
    with torch.device("meta"):
        model = BloomForCausalLM(BloomConfig(vocab_size=250880, hidden_size=1024, n_layer=24, n_head=16))
        vectors = torch.empty(settings("role_prompts")["tokens"], model.config.hidden_size)
        prompt = PromptAdapter(vectors, name="role prompts", fingerprint="")
    base = sum(parameter.numel() for parameter in model.parameters())
    assert base == 559_214_592
    assert prompt.size() == 4_096
    assert base + prompt.size() == 559_218_688
    assert f"{100 * prompt.size() / (base + prompt.size()):.5f}" == "0.00073"


def settings(name: str) -> dict:
    return yaml.safe_load((ROOT / "examples" / "classic" / f"{name}.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_every_config_holds_settings(path):
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    TuneSettings.build({key: value for key, value in values.items() if key not in ELSEWHERE}, where=path.name)


@pytest.mark.parametrize("name", ["role_prompts", "quotes"])
def test_the_settings_are_those_of_the_recipe(name):
    values = settings(name)
    wanted = {"base": "bloomz-560m", "tokens": 4, "init": "peft-random", "lr": 0.003, "epochs": 6, "max_rows": 50}
    assert {key: values[key] for key in wanted} == wanted


@pytest.mark.parametrize(("name", "file"), [("role_prompts", "prompts.csv"), ("quotes", "quotes.jsonl")])
def test_a_config_runs_on_another_base(name, file, data, model):
    path = ROOT / "examples" / "classic" / f"{name}.yaml"
    arguments = ["--config", str(path), "--base", str(model), "--out", f"out/{name}", "--epochs", "1"]
    assert main(["tune", file, *arguments]) == 0
    record = json.loads((data / "out" / name / "run.json").read_text(encoding="utf-8"))
    assert record["base"]["name"] == str(model)
    assert record["init"]["kind"] == "peft-random"
    assert (record["settings"]["tokens"], record["learning_rate"], record["settings"]["epochs"]) == (4, 0.003, 1)


def test_the_script_trains_both_and_answers_with_each_and_with_none(data, model, script, capfd):
    script("--base", str(model), "--out", "both", "--new-tokens", "5")
    said = capfd.readouterr().out
    assert len(re.findall(r"^(?:role_prompts|quotes): ", said, re.MULTILINE)) == 2
    for name in ("base", "role_prompts", "quotes"):
        assert len(re.findall(rf"^  {name} ", said, re.MULTILINE)) == 2, "one answer to each of the two openings"
    assert (data / "both" / "quotes" / "adapter_model.safetensors").exists()


def test_the_script_says_in_one_line_what_is_wrong(data, model, script):
    with pytest.raises(SystemExit, match=r"^classic.py: .*quotes.jsonl has no column 'text'.*$"):
        script("--base", str(model), "--quote-column", "text")


@pytest.fixture
def script(monkeypatch):
    """Runs classic.py with some arguments."""
    path = str(ROOT / "examples" / "classic" / "classic.py")

    def run(*arguments):
        files = ("--role-prompts", "prompts.csv", "--quotes", "quotes.jsonl")
        monkeypatch.setattr(sys, "argv", [path, *files, *arguments])
        runpy.run_path(path, run_name="__main__")

    return run
