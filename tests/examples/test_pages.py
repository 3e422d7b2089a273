"""What the documentation says can be run is run; what it points at is there."""

import ast
import re
import shlex
from collections.abc import Iterator

import pytest

import capotasto
from capotasto.base.catalog import aliases
from capotasto.cli import main
from capotasto.records import read_json
from tests.examples.pages import PAGES, ROOT, blocks, where, with_blocks

TAKES_A_BASE = ("tune", "generate", "eval")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", with_blocks("python"), ids=where)
def test_python_examples_run_in_order(page, workplace, model):
    run(page, model)


def test_the_python_page_prints_what_it_promises(workplace, model, capfd):
    run(ROOT / "docs" / "python.md", model)
    said = capfd.readouterr().out
    assert capotasto.__version__ in said
    assert "unknown setting 'epoch' in tune; did you mean 'epochs'?" in said
    assert "held_out 3" in said


def run(page, base) -> None:
    """The Python blocks of a page as one program, over a tiny base."""
    code = "\n".join(blocks(page, "python")).replace("smollm2-135m", str(base))
    exec(compile(code, where(page), "exec"), {"__name__": page.stem})


def test_the_python_page_shows_every_public_name():
    code = "\n".join(blocks(ROOT / "docs" / "python.md", "python"))
    shown = set(re.findall(r"capo\.(\w+)", code))
    assert set(capotasto.__all__) - shown - {"Base", "Run"} == set()  # what load_base and tune return


@pytest.mark.parametrize("page", with_blocks("sh"), ids=where)
def test_commands_run_in_order(page, workplace, model, capfd):
    for line in "".join(blocks(page, "sh")).splitlines():
        program, command, *rest = shlex.split(line)
        assert program == "capo"
        base = ["--base", str(model)] if command in TAKES_A_BASE else []
        code = main([command, *rest, *base])
        assert code == 0, f"{line}\n{capfd.readouterr().err}"
    assert "adapters/tickets" in capfd.readouterr().out


@pytest.mark.parametrize("page", PAGES, ids=where)
def test_links_inside_the_repository_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for target in LINK.findall(text):
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{where(page)}: {target}"
        if anchor:
            assert anchor in anchors(found.read_text(encoding="utf-8")), f"{where(page)}: {target}"


def anchors(text: str) -> set[str]:
    """The names a heading can be linked by: small letters, no punctuation, dashes for spaces."""
    words = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(text))
    return {text.strip().replace(" ", "-") for text in words}


def test_the_bases_page_lists_every_alias():
    text = (ROOT / "docs" / "bases.md").read_text(encoding="utf-8")
    assert [alias.name for alias in aliases() if f"`{alias.name}`" not in text] == []


def test_every_axis_in_a_docstring_stands_in_the_notation():
    known = set(re.findall(r"`([A-Z]q?)`", (ROOT / "docs" / "notation.md").read_text(encoding="utf-8")))
    used = {axis for shape in shapes() for axis in re.findall(r"(?<![A-Za-z])[A-Z]q?(?![A-Za-z])", shape)}
    assert {"B", "E", "Hq"} <= used
    assert used - known == set()


def shapes() -> Iterator[str]:
    """What stands in square brackets in the docstrings, where it is a list of axes: [B, T], [N], [B·S, Hq·D]."""
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                yield from re.findall(
                    r"\[((?:[A-Z]q?|\d+)(?:(?:, |·)(?:[A-Z]q?|\d+))*)\]", ast.get_docstring(node) or ""
                )


def test_the_artefacts_page_knows_every_key_of_a_run(workplace, model):
    text = (ROOT / "docs" / "artefacts.md").read_text(encoding="utf-8")
    base = capotasto.load_base(str(model))
    run = capotasto.tune(base, "tickets.csv", out="run", epochs=1, tokens=4)
    manifest = read_json(run.folder / "manifest.json")
    keys = [*run.record, *run.record["data"], *run.record["base"], *manifest]
    assert [key for key in keys if f"`{key}`" not in text] == []
    assert [path.name for path in run.folder.iterdir() if f"`{path.name}`" not in text] == []
