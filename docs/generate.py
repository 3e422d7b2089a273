"""Write the generated parts of the documentation.

python docs/generate.py          write them
python docs/generate.py --check  fail if any differs from what would be written
"""

import sys
from pathlib import Path

from parts import bases, commands, demonstration, files, methods, metrics

DOCS = Path(__file__).resolve().parent
README = DOCS.parent / "README.md"
NOTE = "<!-- Written by docs/generate.py: change the code it is made from, then run `make docs`. -->\n\n"


def wanted() -> dict[Path, str]:
    """Every generated file with the content it should have."""
    return {
        DOCS / "methods.md": NOTE + methods.page(),
        DOCS / "metrics.md": NOTE + metrics.page(),
        DOCS / "cli.md": NOTE + commands.page(),
        DOCS / "bases.md": NOTE + bases.page(),
        DOCS / "files.md": NOTE + files.page(),
        README: demonstration.filled(README.read_text(encoding="utf-8"), DOCS / "demo.json"),
    }


def main() -> None:
    """Write what differs, or with --check only name it and fail."""
    check = sys.argv[1:] == ["--check"]
    differing = [
        path for path, content in wanted().items() if not path.exists() or path.read_text(encoding="utf-8") != content
    ]
    if check and differing:
        names = ", ".join(str(path.relative_to(DOCS.parent)) for path in differing)
        raise SystemExit(f"out of date: {names}; run `make docs`")
    for path in differing:
        path.write_text(wanted()[path], encoding="utf-8")
        print(f"wrote {path.relative_to(DOCS.parent)}")


if __name__ == "__main__":
    main()
