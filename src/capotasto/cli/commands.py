"""The list of commands. A command's file is imported when it is called, so that `capo --help` is quick."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from capotasto.cli.faults import interruptible
from capotasto.version import __version__

COMMANDS = {
    "tune": "Train an adapter on a data file and judge it on rows it has not seen.",
    "run": "Carry out the jobs of a recipe over one base.",
    "search": "Try many settings, train the best to its end and judge it.",
    "compare": "Let prompting, retrieval and training do the same task, and measure each in what it gives and costs.",
    "generate": "Answer prompts with the bare base and with adapters, side by side.",
    "chat": "Talk to the base or to an adapter in the terminal.",
    "index": "Make a folder of documents searchable, or bring its index up to date.",
    "ask": "Answer a question from an index, with the passages it is answered from.",
    "eval": "Score a base and its adapters on all rows of a file.",
    "audit": "Ask what an adapter breaks: forgetting, bias, truthfulness.",
    "lm-eval": "Run tasks of EleutherAI's lm-eval on a base or an adapter.",
    "serve": "Answer requests over HTTP with the base and its adapters, as OpenAI's API does.",
    "keys": "Make, list and remove keys that say who may use a server, and which adapters.",
    "merge": "Write base and adapter as one ordinary model folder.",
    "export": "Write an adapter for another program: vLLM, PEFT or llama.cpp.",
    "report": "Write the page of a training, a search, an audit or a comparison anew.",
    "data": "Show what a data file holds and how it would be read and split.",
    "inspect": "Tell what an adapter is, how it was made and how good it is.",
    "store": "Keep adapters with versions and tags in one folder.",
    "bases": "List the base models that have a short name.",
    "methods": "List what can be learned, what it can start from and what is measured.",
    "doctor": "Show what this machine is and what would be used on it.",
    "demo": "See it work: small adapters trained on this machine.",
}


def _dashes(name: str) -> str:
    """`--batch_tokens` is `--batch-tokens`."""
    return name.replace("_", "-")


CONTEXT = {"help_option_names": ["-h", "--help"], "token_normalize_func": _dashes}


class _Lazy(TyperGroup):
    """Names and summaries at once; the command itself when it is called."""

    def invoke(self, ctx: Any) -> Any:
        with interruptible():
            return super().invoke(ctx)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, found, rest = super().resolve_command(ctx, args)
        return name, load(name) if found is not None and name is not None else None, rest


def application() -> Callable[..., int | None]:
    """The whole of `capo`."""
    app = typer.Typer(cls=_Lazy, rich_markup_mode="rich", context_settings=CONTEXT, pretty_exceptions_enable=False)
    app.callback(
        help="One frozen language model, many cheap specialists.",
        epilog=_example(("capo demo", "capo tune tickets.csv --out runs/tickets")),
    )(_root)
    for name, summary in COMMANDS.items():
        app.command(name, help=summary)(_nothing)
    return typer.main.get_command(app)


def load(name: str) -> Any:
    """A command, from the function `command`, the tuple `EXAMPLES` and perhaps the `CONTEXT` of its file."""
    module = module_of(name)
    app = typer.Typer(add_completion=False, rich_markup_mode="rich")
    text = f"{COMMANDS[name]}\n\n{module.command.__doc__}"
    context = {**CONTEXT, **getattr(module, "CONTEXT", {})}
    app.command(name, help=text, epilog=_example(module.EXAMPLES), context_settings=context)(module.command)
    return typer.main.get_command(app)


def module_of(name: str) -> Any:
    """The file of a command."""
    return import_module(f"capotasto.cli.{name.replace('-', '_')}")


def _example(lines: Sequence[str]) -> str:
    return "\n\n".join([f"[dim]Example{'s' if len(lines) > 1 else ''}:[/dim]", *(f"  {line}" for line in lines)])


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"capo {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", metavar="", callback=_version, is_eager=True, help="print the version")
    ] = False,
) -> None:
    pass


def _nothing() -> None:
    """Stands for a command that is not loaded yet."""
