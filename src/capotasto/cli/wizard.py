"""`--wizard`: the questions that no measurement answers, put in the terminal."""

import typer

from capotasto.comparing.wizard_settings import QUESTIONS, WizardSettings


def ask(given: WizardSettings) -> WizardSettings:
    """The same settings, with `wizard` an answer to each question that no flag has answered. They are put on stderr."""
    if not given.wizard:
        return given
    open_ones = [name for name in QUESTIONS if getattr(given, name) is None]
    return given.model_copy(update={name: typer.confirm(_question(name), err=True) for name in open_ones})


def _question(name: str) -> str:
    words = str(WizardSettings.model_fields[name].description)
    return f"{words[0].upper()}{words[1:]}?"
