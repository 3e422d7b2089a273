"""A model on the Hugging Face hub, through the hub's own cache."""

from pathlib import Path
from typing import NoReturn

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

from capotasto.base.catalog import Source
from capotasto.base.reason import reason
from capotasto.base.sources import folder
from capotasto.errors import BaseError
from capotasto.records import write_text
from capotasto.wheels import home

PROBE_SECONDS = 3.0  # how long the hub may take for its first answer before it counts as not reachable

_FILES = ["*.safetensors", "*.json", "*.jinja", "*.txt", "*.model"]
_CODE = ["*.py"]
_OTHER_FORMATS = ["*/*", "consolidated*"]  # where repositories keep the same weights once more

# The hub's own account, which opens a pull request with converted weights on repositories that hold only pickles.
_CONVERTER = "SFconvertbot"


class UnreachableError(BaseError):
    """The hub did not answer and its cache on this disk lacks the model."""


def sentence(source: Source) -> str:
    """Where the model came from, for people."""
    return f"hub {source.place}" + (f"@{source.revision}" if source.revision else "")


def fetch(source: Source) -> Path:
    """The model's folder in the hub's cache, fetched if needed; only files that cannot run code."""
    reachable = _probe(source)
    path = _snapshot(source, source.revision, reachable)
    if not source.revision and not _has_weights(path) and (revision := _converted(source.place)):
        path = _snapshot(source, revision, reachable)
    if not _has_weights(path):
        raise BaseError(
            f"{source.place} has no *.safetensors on the hub, and pickles, which can run any code, are refused; "
            f"name a revision that has them ({source.place}@refs/pr/NUMBER), or give a converted folder"
        )
    return folder.check(path)


def _has_weights(path: Path) -> bool:
    return any(path.glob("*.safetensors"))


def _probe(source: Source) -> bool:
    """One short question before any download, so that a blocked network costs seconds, not minutes of retries."""
    try:
        HfApi().model_info(source.place, revision=source.revision, timeout=PROBE_SECONDS)
    except (GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError) as error:
        _refuse(source, error)
    except Exception:  # offline mode, no route, a proxy's refusal, a server's error: the cache may still have it
        return False
    return True


def _refuse(source: Source, error: Exception) -> NoReturn:
    if isinstance(error, GatedRepoError):
        remedy = f"accept its licence on https://huggingface.co/{source.place}, then run `hf auth login`"
        raise BaseError(f"{source.place} is gated: {remedy}") from error
    if isinstance(error, RevisionNotFoundError):
        raise BaseError(f"{source.place} has no revision {source.revision!r}; check it on the hub") from error
    raise BaseError(
        f"no model {source.place} on the hub; check the name, or run `hf auth login` if it is private"
    ) from error


def _snapshot(source: Source, revision: str | None, reachable: bool) -> Path:
    try:
        return Path(
            snapshot_download(
                source.place,
                revision=revision,
                allow_patterns=_FILES + (_CODE if source.with_code else []),
                ignore_patterns=_OTHER_FORMATS,
                etag_timeout=PROBE_SECONDS,
                local_files_only=not reachable,
            )
        )
    except Exception as error:  # the hub's client raises its own, its transport's and the system's errors
        raise UnreachableError(_advice(source, error, reachable)) from error


def _advice(source: Source, error: Exception, reachable: bool) -> str:
    if reachable:
        return f"the download of {source.place} broke off ({reason(error)}); run it again, it goes on from there"
    return (
        f"cannot reach the hub for {source.place}, and its cache on this disk lacks the model; check the network and "
        "HF_HUB_OFFLINE, set HF_ENDPOINT to a mirror, or give a folder or a .gguf file"
    )


def _converted(repository: str) -> str | None:
    """The pull request in which the hub's converter offers safetensors, as a revision; None where there is none.

    The answer is kept, so that the model can be found in the hub's cache without a network.
    """
    note = home() / "conversions" / repository.replace("/", "--")
    if note.exists():
        return note.read_text(encoding="utf-8")
    try:
        offers = list(HfApi().get_repo_discussions(repository, author=_CONVERTER, discussion_type="pull_request"))
    except Exception:  # as in _probe; a repository may also have its discussions turned off
        return None
    revision = next((offer.git_reference for offer in offers if "safetensors" in offer.title), None)
    if revision:
        write_text(note, revision)
    return revision
