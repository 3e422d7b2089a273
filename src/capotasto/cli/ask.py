"""`capo ask`: a question answered from an index."""

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from capotasto.cli import adapters as named
from capotasto.cli.base import BaseSettings, load
from capotasto.cli.options import Json, build, settings_options
from capotasto.cli.terminal import err, out, print_json
from capotasto.decoding.settings import GenerateSettings
from capotasto.retrieve.settings import LookupSettings

if TYPE_CHECKING:
    from capotasto.retrieve.ask import Answered

EXAMPLES = (
    'capo ask "How do I book a trip?" --index indices/handbook',
    'capo ask "How do I book a trip?" --index indices/handbook --adapter runs/support --search text --top 8',
)


class AskOptions(LookupSettings, BaseSettings, GenerateSettings):
    """What the command takes."""


@settings_options(AskOptions)
def command(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="what is to be answered")],
    index: Annotated[str, typer.Option("--index", metavar="DIR", help="an index that `capo index` made")],
    adapter: named.OneAdapter = None,
    chat: named.Chat = None,
    json: Json = False,
    **given: Any,
) -> None:
    """The passages that a search finds stand before the question, numbered, as quotations; the answer may name them."""
    searching, writing = build(LookupSettings, given), build(GenerateSettings, given)
    folders = named.folders([adapter] if adapter else [])
    from capotasto.retrieve.ask import ask
    from capotasto.retrieve.index import Index

    opened = Index.open(index)
    base = load(build(BaseSettings, given))
    who = next(iter(named.load(folders, base).values()), None)
    with err.status("searching and writing"):
        answered = ask(base, opened, question, who, searching.top, searching.search, chat, **writing.model_dump())
    if answered.left_out:
        found = answered.left_out + len(answered.passages)
        err.print(
            f"{answered.left_out} of {found} passages left out: they do not fit into the context of {base.context}"
            " tokens",
            style="dim",
            soft_wrap=True,
        )
    print_json(answered.as_dict()) if json else _tell(answered)


def _tell(answered: "Answered") -> None:
    out.print(answered.text or "(nothing)", soft_wrap=True)
    out.print()
    for number, found in enumerate(answered.passages, start=1):
        passage, style = found.passage, "bold" if number in answered.cited else "dim"
        source = f"{passage.file} · {passage.heading}" if passage.heading else passage.file
        out.print(Text(f"[{number}] {source}", style), soft_wrap=True)
