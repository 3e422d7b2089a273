"""What commands that learn from a file refuse before they load a base."""

from pathlib import Path

import pytest

from tests.cli.conftest import Capo

COMMANDS = ("tune", "search", "compare")


@pytest.mark.parametrize("command", COMMANDS)
def test_data_and_a_folder_are_needed(command: str, tmp_path: Path, capo: Capo) -> None:
    for arguments, words in (
        (["--out", tmp_path / "run"], f"capo: no data to learn from; name a file: capo {command} DATA --out DIR"),
        (["faq.csv"], "capo: no folder for the result; name one with --out DIR"),
    ):
        done = capo(command, *arguments, "--base", tmp_path / "absent")
        assert (done.code, done.stdout) == (2, "")
        assert " ".join(done.stderr.split()) == words


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_that_is_taken_is_refused(command: str, tmp_path: Path, capo: Capo) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    done = capo(command, "faq.csv", "--out", tmp_path, "--base", tmp_path / "absent")
    assert done.code == 2
    assert "is not empty: go on with what is there with --resume, or replace it with --force" in done.stderr
    assert (tmp_path / "mine.txt").read_text() == "kept"
