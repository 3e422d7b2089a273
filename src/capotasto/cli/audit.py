"""`capo audit`: what an adapter breaks."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from capotasto import records
from capotasto.auditing.settings import AuditSettings
from capotasto.cli.base import BaseSettings, load
from capotasto.cli.options import Json, build, settings_options
from capotasto.cli.scores import scores_table
from capotasto.cli.terminal import err, facts, heading, out, print_json, table
from capotasto.errors import AdapterError
from capotasto.report.audit import Judged, read_audit
from capotasto.report.audit_view import AuditView, SkillView
from capotasto.report.audit_words import limit, measured

EXAMPLES = (
    "capo audit runs/tickets --probes-dir probes",
    "capo audit runs/tickets --probes bias,lambada_openai --rows 200",
    "capo audit runs/tickets --gate gates.yaml --json",
)
FALLEN = 4  # exit code where a gate did not hold


class AuditOptions(BaseSettings, AuditSettings):
    """What the command takes."""


@settings_options(AuditOptions)
def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="the folder of an adapter")],
    json: Json = False,
    **given: Any,
) -> None:
    """Base and adapter get the same rows. Leaves audit.json and audit.html in DIR; fallen gates: exit code 4."""
    record = _audit(folder, build(BaseSettings, given), build(AuditSettings, given))
    view = AuditView(read_audit(folder))
    if json:
        print_json(record)
    else:
        _show(folder, view)
    if view.fallen:
        numbers = "; ".join(f"{gate.number} is {measured(gate)}, wanted {limit(gate)}" for gate in view.fallen)
        err.print(Text.assemble(("capo: ", "bold red"), f"{view.status}: {numbers}"), soft_wrap=True)
        raise typer.Exit(FALLEN)


def _audit(folder: Path, where: BaseSettings, settings: AuditSettings) -> dict[str, Any]:
    from capotasto import report
    from capotasto.auditing.run import audit
    from capotasto.session import load_adapter

    if not folder.is_dir():
        raise AdapterError(f"no adapter at {folder}: there is no such folder; name the one that `capo tune` wrote")
    base = load(where)
    name = folder.resolve().name
    adapter = load_adapter(folder, base, name)
    runs = {name: folder} if (folder / "run.json").exists() else {}
    with err.status("asking") as status:
        record = audit(base, {name: adapter}, settings, runs, watch=lambda probe: status.update(f"asking {probe}"))
    records.write_json(folder / "audit.json", record)
    report.write_audit(folder)
    return record


def _show(folder: Path, view: AuditView) -> None:
    [adapter] = view.adapters
    for skill in adapter.skills:
        _show_skill(skill)
    for found in adapter.findings:
        heading(f"{found.skill.capitalize()}: {found.title}: {'found' if found.flagged else 'nothing found'}")
        out.print(facts(found.facts))
    if view.audit.gates:
        heading("Gates")
        out.print(_gates(view.audit.gates))
    out.print(Text(adapter.summary, "bold"))
    out.print(adapter.detached)
    out.print()
    out.print(facts([(f"Without {name}", why) for name, why in view.audit.skipped.items()]))
    out.print(facts([("Folder", str(folder)), ("Files", "audit.json, audit.html")]))


def _show_skill(skill: SkillView) -> None:
    scores = {f"{probe.title} ({probe.rows} rows)": probe.scores for probe in skill.probes}
    only = f": {next(iter(scores))}" if len(scores) == 1 else ""  # a table of one names it nowhere
    heading(f"{skill.name.capitalize()}{only}, with 95 % intervals")
    out.print(scores_table(scores))


def _gates(gates: list[Judged]) -> Table:
    made = table("number", "limit", "found", "")
    for gate in gates:
        word = ("holds", "green") if gate.held else ("fell", "red")
        made.add_row(gate.number, limit(gate), measured(gate), Text(*word))
    return made
