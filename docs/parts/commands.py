"""cli.md: every command with its arguments and options, read from the command itself."""

import re
from typing import Any

from rich.text import Text

from capotasto.cli.commands import COMMANDS, load, module_of
from parts.markdown import block, code, table

HEAD = """# Commands

`capo COMMAND --help` says the same on the terminal. What was found goes to stdout; progress, warnings and errors go to
stderr.

| exit code | meaning |
|---|---|
| 0 | fine |
| 1 | an unexpected fault: please report it |
| 2 | something you can put right; one line says what and how |
| 3 | a training that had to stop; the last good checkpoint is kept |
| 4 | an audit in which gates fell |
| 130 | interrupted |

"""
DEFAULT = re.compile(r"(?P<what>.*?)\s*\[(?P<default>[^\[\]]*)\]$", re.DOTALL)  # as help texts end: "… [0.1]"


def page() -> str:
    """The whole page."""
    overview = table(["command", "what it does"], ([_link(name), summary] for name, summary in COMMANDS.items()))
    return HEAD + overview + "".join(_command(name) for name in COMMANDS)


def _link(name: str) -> str:
    return f"[`capo {name}`](#capo-{name})"


def _command(name: str) -> str:
    command = load(name)
    options = [_option(option) for option in command.params if option.param_type_name == "option"]
    arguments = [_metavar(part) for part in command.params if part.param_type_name == "argument"]
    usage = " ".join(["capo", name, "[OPTIONS]", *arguments])
    return (
        f"\n## capo {name}\n\n{_plain(command.help)}\n\n"
        + block(usage)
        + "\nFor example:\n\n"
        + block(*module_of(name).EXAMPLES)
        + "\n"
        + table(["option", "default", "what it does"], options)
    )


def _metavar(argument: Any) -> str:
    return argument.metavar or argument.name.upper()


def _option(option: Any) -> list[str]:
    value = f" {option.metavar}" if option.metavar else ""
    names = ", ".join(code(name + value) for name in [*option.opts, *option.secondary_opts])
    text = _plain(option.help)
    found = DEFAULT.fullmatch(text)
    return [names, code(found["default"]), found["what"]] if found else [names, "", text]


def _plain(text: str | None) -> str:
    """A help text without rich's marks."""
    return Text.from_markup(text or "").plain.strip()
