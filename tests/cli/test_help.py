import os
import subprocess
import sys

import pytest

from capotasto import __version__
from capotasto.cli.commands import COMMANDS
from capotasto.decoding.settings import GenerateSettings
from capotasto.experiment.settings import TuneSettings
from tests.cli.conftest import Capo

HEAVY = ("torch", "transformers", "numpy", "huggingface_hub")


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, check=False)


def test_help_is_quick_because_nothing_heavy_is_imported() -> None:
    code = f"import sys; from capotasto.cli import main; main(['--help']); sys.exit(str({HEAVY} & sys.modules.keys()))"
    done = run(code.replace(str(HEAVY), str(set(HEAVY))))
    assert done.stderr.strip() == "set()"
    assert all(name in done.stdout for name in COMMANDS)


def test_without_arguments_the_help_is_shown() -> None:
    done = run("import sys; from capotasto.cli import main; sys.exit(main([]))")
    assert done.returncode == 0
    assert "capo tune tickets.csv" in done.stdout


def test_the_module_runs_as_a_program() -> None:
    done = subprocess.run([sys.executable, "-m", "capotasto", "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"capo {__version__}\n", "")


def test_help_stays_readable_in_a_narrow_terminal() -> None:
    done = run("from capotasto.cli import main; main(['tune', '--help'])", COLUMNS="60")
    assert max(map(len, done.stdout.splitlines())) <= 60
    assert "--batch-tokens" in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_an_example_and_json(name: str, capo: Capo) -> None:
    done = capo(name, "--help")
    assert done.code == 0
    assert COMMANDS[name].split(",")[0][:40] in done.stdout
    assert f"capo {name}" in done.stdout.split("Example")[-1]
    assert "--json" in done.stdout


@pytest.mark.parametrize(("name", "settings"), [("tune", TuneSettings), ("generate", GenerateSettings)])
def test_every_setting_is_a_flag_with_its_help(name: str, settings: type[TuneSettings], capo: Capo) -> None:
    words = set(capo(name, "--help").stdout.replace("│", " ").split())
    for field, info in settings.model_fields.items():
        assert f"--{field.replace('_', '-')}" in words
        assert set((info.description or "").split()) <= words | {"wandb"}
