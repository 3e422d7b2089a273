"""A conversation in the terminal."""

import io
import json
from pathlib import Path

import pytest

from capotasto.decoding.settings import GenerateSettings
from capotasto.decoding.stream import texts
from capotasto.dialogue import Dialogue
from capotasto.errors import UserError
from capotasto.types import Turn
from tests.cli.conftest import Capo
from tests.making import make_adapter, make_base
from tests.tiny import CONTEXT

SETTINGS = GenerateSettings(max_new_tokens=6)


def test_what_was_said_before_stands_in_the_prompt() -> None:
    base = make_base()
    adapter = make_adapter("prompt", base)
    dialogue = Dialogue(base, adapter, SETTINGS, chat=True)
    first, second = "".join(dialogue.say("one two")), "".join(dialogue.say("three"))
    turns = [Turn("user", "one two"), Turn("assistant", first), Turn("user", "three")]
    prompt = base.renderer(adapter).prompt(turns)
    assert [second] == texts(base, [prompt], [adapter], SETTINGS, base.renderer().stops)
    dialogue.forget()
    assert "".join(dialogue.say("one two")) == first


def test_plain_text_is_continued_each_by_itself() -> None:
    base = make_base()
    dialogue = Dialogue(base, None, SETTINGS, chat=False)
    assert "".join(dialogue.say("one")) == "".join(dialogue.say("one"))


def test_the_oldest_turns_are_forgotten_where_there_is_no_room() -> None:
    base = make_base()
    dialogue = Dialogue(base, None, SETTINGS, chat=True)
    for _ in range(CONTEXT // 8):
        "".join(dialogue.say("one two three four five six"))
    assert dialogue.forgotten > 0


def test_a_text_that_does_not_fit_leaves_the_conversation_as_it_was() -> None:
    base = make_base()
    spoken, other = (Dialogue(base, None, SETTINGS, chat=True) for _ in range(2))
    for dialogue in (spoken, other):
        "".join(dialogue.say("one two"))
    with pytest.raises(UserError, match="context"):
        "".join(spoken.say("one " * 2 * CONTEXT))
    assert spoken.forgotten == 0
    assert "".join(spoken.say("three")) == "".join(other.say("three"))


def test_lines_from_a_pipe_are_answered(capo: Capo, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("one two\n\n/new\none two\n/quit\nthree\n"))
    done = capo("chat", "--base", base, "--max-new-tokens", 4, "--json")
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert first == second
    assert first["prompt"] == "one two"
    assert done.code == 0


def test_an_answer_that_fails_ends_no_conversation(capo: Capo, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("one " * 2 * CONTEXT + "\none\n"))
    done = capo("chat", "--base", base, "--max-new-tokens", 4)
    assert "context" in done.stderr
    assert done.code == 0
    assert done.stdout.strip()
