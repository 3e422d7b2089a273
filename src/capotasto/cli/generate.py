"""`capo generate`: the same prompts to the bare base and to adapters."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from capotasto.cli import adapters as named
from capotasto.cli.base import BaseSettings, load
from capotasto.cli.options import Json, build, settings_options
from capotasto.cli.terminal import err, out, print_json, side_by_side
from capotasto.decoding.settings import GenerateSettings
from capotasto.errors import SettingError

if TYPE_CHECKING:
    from capotasto.methods.adapter import Adapter
    from capotasto.session import Base

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
    chat: named.Chat = None,
    stop: Annotated[
        list[str] | None, typer.Option("--stop", metavar="TEXT", help="end answers before this text; may be repeated")
    ] = None,
    json: Json = False,
    **given: Any,
) -> None:
    """All answers come from one mixed batch. A head answers with its label, its labels or its numbers."""
    settings = build(GenerateSettings, given)
    texts = _texts(prompts)
    folders = named.folders(adapter or [])
    base = load(build(BaseSettings, given))
    bare = {} if base.is_encoder else {"base": None}  # an encoder by itself answers nothing
    known = {**bare, **named.load(folders, base)}
    if not known:
        raise SettingError(f"{base.name} is an encoder and writes nothing; name an adapter with a head: --adapter DIR")
    with err.status("writing"):
        said = _answers(base, texts, known, chat, stop or [], settings)
    answers = [(text, {name: said[name][i] for name in known}) for i, text in enumerate(texts)]
    if json:
        print_json([{"prompt": text, "answers": found} for text, found in answers])
        return
    for text, found in answers:
        out.print(side_by_side(found, title=text))


def _answers(
    base: "Base",
    texts: list[str],
    known: "dict[str, Adapter | None]",
    chat: bool | None,
    stop: list[str],
    settings: GenerateSettings,
) -> dict[str, list[str]]:
    """Name → answer to each text."""
    writers = {name: one for name, one in known.items() if one is None or one.head() is None}
    rows = [text for text in texts for _ in writers]
    written = base.generate(rows, [*writers.values()] * len(texts), chat, stop, **settings.model_dump()) if rows else []
    found = {name: written[i :: len(writers)] for i, name in enumerate(writers)}
    heads = {name: one for name, one in known.items() if one is not None and name not in writers}
    return {**found, **{name: base.label(texts, one, chat) for name, one in heads.items()}}


def _texts(prompts: list[str]) -> list[str]:
    """The prompts, with the lines of stdin in place of `-`."""
    texts: list[str] = []
    for prompt in prompts:
        texts += [line.rstrip("\n") for line in sys.stdin if line.strip()] if prompt == "-" else [prompt]
    if not texts:
        raise SettingError("no prompt came from stdin; write one prompt a line")
    return texts
