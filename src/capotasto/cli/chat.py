"""`capo chat`: a conversation in the terminal."""

import sys
from collections.abc import Callable, Iterator
from json import dumps
from typing import TYPE_CHECKING, Annotated, Any

import typer

from capotasto.cli import adapters as named
from capotasto.cli.base import BaseSettings, load
from capotasto.cli.options import build, settings_options
from capotasto.cli.terminal import err, out
from capotasto.decoding.settings import GenerateSettings
from capotasto.errors import SettingError, UserError

if TYPE_CHECKING:
    from capotasto.dialogue import Dialogue

EXAMPLES = (
    "capo chat --adapter runs/support",
    "capo chat --temperature 0.7 --max-new-tokens 200",
)
HELP = "/new begins anew, /quit ends (or Ctrl-D); Ctrl-C stops an answer"


class ChatOptions(BaseSettings, GenerateSettings):
    """What the command takes."""


@settings_options(ChatOptions)
def command(
    adapter: named.OneAdapter = None,
    chat: named.Chat = None,
    json: Annotated[bool, typer.Option("--json", metavar="", help="print a JSON line for each answer")] = False,
    **given: Any,
) -> None:
    """What was said before is remembered as long as it fits. Lines from a pipe are answered one after another."""
    folders = named.folders([adapter] if adapter else [])
    settings = build(GenerateSettings, given)
    base = load(build(BaseSettings, given))
    name, who = next(iter(named.load(folders, base).items()), (base.name, None))
    if base.is_encoder or (who is not None and who.head() is not None):
        raise SettingError(f"{name} has a head or is an encoder and writes nothing; ask it with capo generate")
    from capotasto.dialogue import Dialogue
    from capotasto.forward import model_of
    from capotasto.packed import packed

    if sys.stdin.isatty():
        err.print(f"{name} · {HELP}", style="dim", soft_wrap=True)
    with packed(model_of(base, [who])):  # once for the whole conversation
        _talk(Dialogue(base, who, settings, chat), _write_json if json else _write)


def _talk(dialogue: "Dialogue", write: Callable[["Dialogue", str], None]) -> None:
    for line in _lines():
        if line == "/new":
            dialogue.forget()
        elif line.startswith("/"):
            err.print(HELP, style="dim", soft_wrap=True)
        else:
            _answer(dialogue, line, write)


def _lines() -> Iterator[str]:
    """What is typed or piped, until its end or /quit."""
    asked = "› " if sys.stdin.isatty() else ""
    while True:
        try:
            line = input(asked).strip()
        except (EOFError, KeyboardInterrupt):
            if asked:
                out.print()
            return
        if line == "/quit":
            return
        if line:
            yield line


def _answer(dialogue: "Dialogue", text: str, write: Callable[["Dialogue", str], None]) -> None:
    before = dialogue.forgotten
    try:
        write(dialogue, text)
    except KeyboardInterrupt:
        err.print(" (stopped)", style="dim")
    except UserError as error:
        err.print(f"capo: error: {error}", style="red", soft_wrap=True)
    if dialogue.forgotten > before:
        err.print("the oldest turns no longer fit and are forgotten", style="dim", soft_wrap=True)


def _write(dialogue: "Dialogue", text: str) -> None:
    for piece in dialogue.say(text):
        out.file.write(piece)
        out.file.flush()
    out.file.write("\n")


def _write_json(dialogue: "Dialogue", text: str) -> None:
    answer = {"prompt": text, "answer": "".join(dialogue.say(text))}
    out.file.write(dumps(answer, ensure_ascii=False) + "\n")
    out.file.flush()
