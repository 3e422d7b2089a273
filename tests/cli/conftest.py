import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from capotasto.cli import main, terminal

WORDS = ("sun", "rain", "north", "shore", "one", "two", "three", "four", "five", "six")


@dataclass
class Done:
    """What a command left."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


Capo = Callable[..., Done]


@pytest.fixture
def capo(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Capo:
    """Runs a command in this process."""
    monkeypatch.setattr(terminal.out, "width", 100)
    monkeypatch.setattr(terminal.err, "width", 100)

    def run(*arguments: object) -> Done:
        code = main([str(argument) for argument in arguments])
        return Done(code, *capfd.readouterr())

    return run


def interrupted(*_: object, **__: object) -> None:
    """In a function's place: the user presses Ctrl-C while it works."""
    raise KeyboardInterrupt


@pytest.fixture(scope="session")
def base(model: Path) -> Path:
    """What `--base` names."""
    return model


@pytest.fixture(scope="session")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty rows of two labels."""
    path = tmp_path_factory.mktemp("data") / "moods.csv"
    lines = [
        f"the {word} is {'fine' if i % 2 else 'bad'},{'good' if i % 2 else 'poor'}" for i, word in enumerate(WORDS * 2)
    ]
    path.write_text(
        "\n".join(["text,label", *(f"{line.split(',')[0]} {i},{line.split(',')[1]}" for i, line in enumerate(lines))])
        + "\n"
    )
    return path


@pytest.fixture(scope="session")
def tuned(base: Path, rows: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two epochs."""
    folder = tmp_path_factory.mktemp("runs") / "moods"
    assert main(["tune", str(rows), "--base", str(base), "--out", str(folder), "--epochs", "2", "--tokens", "4"]) == 0
    return folder
