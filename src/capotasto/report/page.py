"""Run folders to one self-contained HTML file: no script, no external address, every text from outside escaped."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from capotasto import records
from capotasto.errors import UserError
from capotasto.report.audit import read_audit
from capotasto.report.audit_view import AuditView
from capotasto.report.audit_words import limit, measured
from capotasto.report.compare_folder import read_compare
from capotasto.report.compare_view import CompareView
from capotasto.report.folder import read
from capotasto.report.metrics import metric
from capotasto.report.search import read_search
from capotasto.report.search_view import SearchView
from capotasto.report.view import View, change_axis


def write(folder: Path) -> Path:
    """Write `report.html` into a run folder, from its `run.json` and `log.jsonl`; returns its path.

    UserError if the folder holds no run, or a file in it cannot be used.
    """
    run = read(folder)
    return _write(folder / "report.html", "one.html", title=run.name, view=View(run, "run"))


def write_many(folders: list[Path], out: Path, title: str, mixed: list[dict[str, Any]] | None = None) -> Path:
    """Write one page over several runs to the file `out`: a summary first, then every run; returns `out`.

    mixed: rows of one batch in which every row had its own adapter: `{"prompt", "adapter", "answer"}`,
           where the adapter None is the bare base.
    UserError if there is no folder, or one holds no run.
    """
    if not folders:
        raise UserError(f"no run folders to report on in {out}; name at least one folder that a training has written")
    views = [View(read(folder), f"run-{place}") for place, folder in enumerate(folders, start=1)]
    names = list(dict.fromkeys(name for view in views for name in view.scores))
    axes = {name: change_axis([view.scores[name] for view in views if name in view.scores]) for name in names}
    return _write(out, "many.html", title=title, views=views, axes=axes, mixed=mixed or [])


def write_search(folder: Path) -> Path:
    """Write `report.html` into the folder of a search, from its `search.json` and its best run; returns its path.

    UserError if the folder holds no search, or a file in it cannot be used.
    """
    view = SearchView(read_search(folder), read(folder / "best"))
    return _write(folder / "report.html", "search.html", title=view.search.name, view=view)


def write_compare(folder: Path) -> Path:
    """Write `report.html` into the folder of a comparison, from its `compare.json` and its contenders' answers; returns
    its path.

    UserError if the folder holds no comparison, or a file in it cannot be used.
    """
    found = read_compare(folder)
    title = f"{Path(found.data.path).name or folder.resolve().name} on {found.base.name or 'one base'}"
    return _write(folder / "report.html", "compare.html", title=title, view=CompareView(found))


def write_audit(folder: Path) -> Path:
    """Write `audit.html` into a folder that holds an `audit.json`; returns its path.

    UserError if the folder holds no audit, or the file cannot be used.
    """
    name = folder.resolve().name
    return _write(folder / "audit.html", "audit.html", title=name, view=AuditView(read_audit(folder)))


def _write(path: Path, template: str, **values: Any) -> Path:
    html = _templates().get_template(template).render(**values)
    # Data may hold halves of surrogate pairs, which no file can; they become question marks.
    records.write_text(path, html.encode("utf-8", "replace").decode())
    return path


def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("capotasto.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["metric_title"] = lambda name: metric(name).title
    environment.filters |= {"limit": limit, "measured": measured}
    return environment
