"""`capo lm-eval`, and the ways in which lm-eval finds the model."""

import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from capotasto.cli.lm_eval import command
from capotasto.lm_eval.run import with_model
from capotasto.lm_eval.settings import ModelSettings
from tests.cli.conftest import Capo
from tests.lm_eval.conftest import Evaluate

pytestmark = pytest.mark.usefixtures("own_tasks_only")
ROOT = Path(__file__).resolve().parents[2]
lm_eval = pytest.importorskip("lm_eval")


def test_the_command_runs_tasks_and_prints_one_document(
    tasks: Path, model: Path, evaluate: Evaluate, capo: Capo
) -> None:
    done = capo(
        "lm-eval",
        "--model_args",
        f"base={model},dtype=fp32",
        "--include_path",
        tasks,
        "--tasks",
        "choosing,ending",
        "--limit=3",
        "--json",
    )
    assert done.code == 0, done.stderr
    found = done.json
    assert found["config"]["model"] == "capotasto"
    assert found["n-samples"]["choosing"]["effective"] == 3
    wanted = evaluate("hf", "choosing", "ending", model_args={"pretrained": str(model), "device": "cpu"}, limit=3)
    for task in ("choosing", "ending"):
        for metric, value in wanted["results"][task].items():
            if isinstance(value, float):
                assert found["results"][task][metric] == pytest.approx(value, rel=1e-4)


def test_help_and_tasks_of_lm_eval_pass_through(tasks: Path, capo: Capo) -> None:
    assert "choosing" in capo("lm-eval", "validate", "--tasks", "choosing", "--include_path", tasks).stdout


@pytest.mark.parametrize(
    ("given", "passed"),
    [
        ("--tasks a", "run --model capotasto --tasks a"),
        ("run --tasks a -M hf", "run --model capotasto --tasks a -M hf"),
        ("--config file.yaml", "run --config file.yaml"),
        ("run -C file.yaml", "run -C file.yaml"),
        ("--config=file.yaml", "run --config=file.yaml"),
        ("ls tasks", "ls tasks"),
        ("validate --tasks a", "validate --tasks a"),
    ],
)
def test_our_model_goes_without_saying(given: str, passed: str) -> None:
    assert with_model(given.split()) == passed.split()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--tasks choosing --model_args base=nowhere", ["unknown base 'nowhere'"]),
        ("--tasks choosing --model_args bass=x", ["unknown setting 'bass' in --model_args", "did you mean 'base'?"]),
        ("--tasks choosing --json --output_path out", ["--json", "leave one of them out"]),
        ("", ["ARGUMENTS", "capo lm-eval --help"]),
    ],
)
def test_misuse_is_one_line_with_a_remedy(line: str, words: list[str], tasks: Path, capo: Capo) -> None:
    done = capo("lm-eval", *line.split(), *(["--include_path", tasks] if line else []))
    assert done.code == 2
    told = next(one for one in done.stderr.splitlines() if one.startswith("capo: "))
    assert [word for word in words if word not in told] == []


def test_newer_versions_find_the_model_by_its_entry_point() -> None:
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["lm_eval.models"]
    [(name, value)] = points.items()
    found = EntryPoint(name=name, value=value, group="lm_eval.models").load()
    assert name == "capotasto"
    assert issubclass(found, lm_eval.api.model.LM)


def test_without_lm_eval_one_line_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['lm_eval'] = None\n"
        "from capotasto.cli import main\n"
        "sys.exit(main(['lm-eval', '--tasks', 'x']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install 'capotasto[lm-eval]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_page_names_every_setting_of_the_model() -> None:
    page = (ROOT / "docs" / "lm-eval.md").read_text(encoding="utf-8")
    for name in ModelSettings.model_fields:
        assert f"| `{name}` |" in page
        assert name in (command.__doc__ or "")
