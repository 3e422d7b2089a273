"""`capo lm-eval`: tasks of EleutherAI's evaluation harness on a base and an adapter."""

import sys
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from capotasto import records
from capotasto.cli.options import Json
from capotasto.cli.terminal import print_json
from capotasto.errors import SettingError

EXAMPLES = (
    "capo lm-eval --model_args base=smollm2-135m,adapter=runs/tickets --tasks hellaswag --limit 100",
    "capo lm-eval ls tasks",
    "capo lm-eval -- run --help",
)
CONTEXT = {"ignore_unknown_options": True}
_OUTPUT = ("--output_path", "-o")


def command(
    arguments: Annotated[list[str], typer.Argument(metavar="ARGUMENTS...", help="as behind `lm-eval`, all of them")],
    json: Json = False,
) -> None:
    """The arguments are lm-eval's own; `--model capotasto` goes without saying. `--model_args` takes base, adapter,
    dtype, device, batch_tokens, max_length and trust_remote_code."""
    from capotasto.lm_eval.run import run

    if json:
        print_json(_results(arguments))
    else:
        run(arguments)


def _results(arguments: list[str]) -> Any:
    """What lm-eval would write into its folder of results; what it prints goes to stderr."""
    from capotasto.lm_eval.run import run

    if any(one.split("=")[0] in _OUTPUT for one in arguments):
        raise SettingError("--json prints the results that --output_path would keep; leave one of them out")
    with TemporaryDirectory() as folder:
        with redirect_stdout(sys.stderr):
            run([*arguments, "--output_path", folder])
        written = sorted(Path(folder).rglob("results_*.json"))
        if not written:
            raise SettingError("--json prints results, and this command of lm-eval has none; leave --json out")
        return records.read_json(written[-1])
