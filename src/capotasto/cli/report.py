"""`capo report`: the page of a folder, made anew."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from capotasto import report
from capotasto.cli.options import Json, build, settings_options
from capotasto.cli.terminal import facts, out, print_json
from capotasto.cli.wizard import ask
from capotasto.comparing.wizard_settings import WizardSettings
from capotasto.errors import SettingError, UserError
from capotasto.report.compare_folder import COMPARE

EXAMPLES = ("capo report runs/tickets", "capo report compared --changing")
PAGES: dict[str, Callable[[Path], Path]] = {  # by the file that says what a folder is
    "search.json": report.write_search,
    "run.json": report.write,
    "audit.json": report.write_audit,
}


@settings_options(WizardSettings)
def command(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="the folder of a training, a search, an audit or a comparison")
    ],
    json: Json = False,
    **given: Any,
) -> None:
    """From the files of the folder alone: no model is loaded. A comparison is ranked anew, as far as it went."""
    answers = ask(build(WizardSettings, given)).answers
    recommendation = _recommendation(folder, answers)
    pages = [str(write(folder)) for name, write in PAGES.items() if _has(folder, name)]
    pages += [str(folder / "report.html")] if recommendation else []
    if not pages:
        known = f"it holds none of {', '.join([COMPARE, *PAGES])}"
        raise UserError(f"nothing to report on in {folder}: {known}; name a folder that capo has written")
    if json:
        print_json({"pages": pages, "recommendation": recommendation})
    else:
        out.print(facts([("Recommendation", (recommendation or {}).get("text", "")), ("Report", "\n".join(pages))]))


def _recommendation(folder: Path, answers: dict[str, bool] | None) -> dict[str, Any] | None:
    """That of a comparison, made anew with its page. Errors: answers to questions that only a comparison has."""
    if not _has(folder, COMPARE):
        if answers:
            raise SettingError(f"{folder} holds no comparison, and only that asks questions; leave the answers out")
        return None
    from capotasto.comparing.conclude import conclude

    found: dict[str, Any] = conclude(folder, answers)["recommendation"]
    return found


def _has(folder: Path, name: str) -> bool:
    return (folder / name).is_file()
