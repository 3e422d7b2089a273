"""files.md: every source file with the first sentence it says about itself."""

import ast
import re
from pathlib import Path

from parts.markdown import code, table

SOURCE = Path(__file__).resolve().parents[2] / "src" / "capotasto"
HEAD = "# Source files\n\nEvery file of `src/capotasto` with its own first sentence, folder by folder.\n"


def page() -> str:
    """The whole page."""
    folders = sorted({path.parent for path in SOURCE.rglob("*.py")})
    return HEAD + "".join(_section(folder) for folder in folders)


def _section(folder: Path) -> str:
    name = folder.relative_to(SOURCE.parent).as_posix()
    rows = [[code(path.name), _sentence(path)] for path in sorted(folder.glob("*.py"))]
    return f"\n## {name}/\n\n" + table(["file", "what it is"], rows)


def _sentence(path: Path) -> str:
    """Up to the first full stop that ends a sentence, or the whole first paragraph."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    paragraph = " ".join(text.split("\n\n")[0].split())
    return re.split(r"(?<=[a-z)])\. (?=[A-Z`])", paragraph)[0].rstrip(".")
