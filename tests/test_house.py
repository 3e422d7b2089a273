"""The house rules that a machine can hold: small files, a true tree, documented names, few dependencies."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import capotasto

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "capotasto"
FILES = sorted(SOURCE.rglob("*.py"))
FILE_CEILING = 250
FUNCTION_CEILING = 60
IMPORT_NAMES = {"scikit-learn": "sklearn", "mlflow-skinny": "mlflow", "import-linter": "importlinter"}

# Runs in a fresh interpreter: the packages named first are made invisible, then the modules are imported one by one.
IMPORTER = """
import importlib, sys

hidden, modules = (text.split(",") for text in sys.argv[1:])

class Blinkers:
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, path=None, target=None):
        return None if name.split(".")[0] in hidden else self.finder.find_spec(name, path, target)
    def __getattr__(self, name):
        return getattr(self.finder, name)

sys.meta_path = [Blinkers(finder) for finder in sys.meta_path]
for module in modules:
    try:
        importlib.import_module(module)
    except ImportError as error:
        sys.exit(f"{module}: {error}")
"""


def where(path: Path) -> str:
    return str(path.relative_to(ROOT))


def import_without(hidden: set[str], modules: list[str]) -> str:
    """What went wrong when the modules were imported with some packages hidden; empty when nothing did."""
    command = [sys.executable, "-c", IMPORTER, ",".join(sorted(hidden)), ",".join(modules)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr.strip() if done.returncode else ""


def optional_packages() -> set[str]:
    """The import names of everything that pyproject.toml names outside the core dependencies."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lists = [*project["project"]["optional-dependencies"].values(), *project["dependency-groups"].values()]
    names = {re.split(r"[^\w.-]", item)[0] for items in lists for item in items if isinstance(item, str)}
    return {IMPORT_NAMES.get(name, name.replace("-", "_")) for name in names}


def module_names() -> list[str]:
    parts = [path.relative_to(ROOT / "src").with_suffix("").parts for path in FILES if path.name != "__main__.py"]
    return [".".join(part for part in names if part != "__init__") for names in parts]


def test_files_are_short() -> None:
    lengths = {where(path): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {path: lines for path, lines in lengths.items() if lines > FILE_CEILING} == {}


def test_functions_are_short() -> None:
    lengths = {
        f"{where(path)}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {place: lines for place, lines in lengths.items() if lines > FUNCTION_CEILING} == {}


def test_the_readme_tree_names_every_part() -> None:
    readme = ROOT / "README.md"
    if not readme.exists():
        pytest.skip("there is no README.md")
    blocks = re.findall(r"^```\w*\n(.*?)^```", readme.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    trees = [block for block in blocks if "src/capotasto" in block]
    assert len(trees) == 1, "README.md has one fenced block that shows src/capotasto as a tree"
    folders = {f"{path.parent.name}/" for path in SOURCE.glob("*/**/*.py") if "__pycache__" not in path.parts}
    modules = {path.name for path in SOURCE.glob("*.py")}
    shown = set(re.findall(r"[\w.]+/?", trees[0].replace("src/capotasto/", " ")))
    assert (folders | modules) - shown - {"__init__.py"} == set()


def test_every_public_name_is_documented() -> None:
    pages = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").rglob("*.md")))
    words = set(re.findall(r"\w+", pages))
    assert capotasto.__all__, "the package says what is public"
    assert set(capotasto.__all__) - words == set()


def test_the_importer_notices_a_missing_package() -> None:
    assert import_without({"yaml"}, ["yaml"]) == "yaml: No module named 'yaml'"


def test_every_module_imports_with_the_core_dependencies_only() -> None:
    assert import_without(optional_packages(), module_names()) == ""


def test_reports_need_no_torch() -> None:
    assert import_without({"torch"}, ["capotasto.report"]) == ""
