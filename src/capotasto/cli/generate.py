"""`capo generate`: the same prompts to the bare base and to adapters."""

import sys
from typing import Annotated, Any

import typer

from capotasto.cli import adapters as named
from capotasto.cli.base import BaseSettings, load
from capotasto.cli.options import Json, build, settings_options
from capotasto.cli.terminal import err, out, print_json, side_by_side
from capotasto.decode import GenerateSettings
from capotasto.errors import SettingError

EXAMPLES = (
    'capo generate --adapter runs/tickets "My parcel is late."',
    "capo generate --adapter old=runs/a --adapter new=runs/b - < prompts.txt",
)


class GenerateOptions(BaseSettings, GenerateSettings):
    """What the command takes."""


@settings_options(GenerateOptions)
def command(
    prompts: Annotated[list[str], typer.Argument(metavar="PROMPT...", help="what to answer; - reads lines from stdin")],
    adapter: named.Adapters = None,
    chat: Annotated[
        bool | None,
        typer.Option("--chat/--no-chat", metavar="", help="use the chat template or not; left out: as it was trained"),
    ] = None,
    json: Json = False,
    **given: Any,
) -> None:
    """All answers come from one mixed batch."""
    settings = build(GenerateSettings, given)
    texts = _texts(prompts)
    folders = named.folders(adapter or [])
    base = load(build(BaseSettings, given))
    known = {"base": None, **named.load(folders, base)}
    rows = [text for text in texts for _ in known]
    with err.status("writing"):
        written = iter(base.generate(rows, [*known.values()] * len(texts), chat, **settings.model_dump()))
    answers = [(text, {name: next(written) for name in known}) for text in texts]
    if json:
        print_json([{"prompt": text, "answers": found} for text, found in answers])
        return
    for text, found in answers:
        out.print(side_by_side(found, title=text))


def _texts(prompts: list[str]) -> list[str]:
    """The prompts, with the lines of stdin in place of `-`."""
    texts: list[str] = []
    for prompt in prompts:
        texts += [line.rstrip("\n") for line in sys.stdin if line.strip()] if prompt == "-" else [prompt]
    if not texts:
        raise SettingError("no prompt came from stdin; write one prompt a line")
    return texts
