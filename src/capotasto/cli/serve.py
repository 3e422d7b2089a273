"""`capo serve`: base and adapters over HTTP."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from capotasto.cli import adapters as named
from capotasto.cli.base import BaseSettings, load
from capotasto.cli.options import Json, build, present, settings_options
from capotasto.cli.terminal import err, print_json
from capotasto.errors import SettingError
from capotasto.serve.engine_settings import EngineSettings
from capotasto.serve.settings import ServeSettings
from capotasto.serve.vllm.settings import VllmSettings

if TYPE_CHECKING:
    from capotasto.serve.asks import Engine
    from capotasto.session import Base

EXAMPLES = (
    "capo serve --adapter support=runs/support",
    "capo serve --adapters-dir adapters --host 0.0.0.0 --keys keys.yaml",
    "capo serve --index handbook=indices/handbook",
    "capo serve --adapter support=runs/support --backend vllm --vllm-url http://10.0.0.1:8000,http://10.0.0.2:8000",
)


class ServeOptions(BaseSettings, ServeSettings, EngineSettings, VllmSettings):
    """What the command takes."""


@settings_options(ServeOptions)
def command(
    adapter: named.Adapters = None,
    index: Annotated[
        list[str] | None,
        typer.Option("--index", metavar="NAME=DIR", help="an index that chat requests may ask for; may be repeated"),
    ] = None,
    json: Json = False,
    **given: Any,
) -> None:
    """OpenAI's clients can talk to it: `model` names an adapter, or the base. Only this machine can, unless told."""
    settings = build(ServeSettings, given)
    _check_backend(settings.backend, given)
    folders, indices = named.folders(adapter or []), _indices(index or [])
    base, start = _on_vllm(given) if settings.backend == "vllm" else _here(given)
    from capotasto.serve.run import serve

    def ready(address: str, model: str) -> None:
        if json:
            print_json({"address": address, "model": model, "adapters": list(folders)})
        else:
            err.print(f"serving {model} and {len(folders)} adapters at {address}/v1; Ctrl-C ends it", soft_wrap=True)
        if settings.insecure:
            err.print("capo: warning: --insecure: whoever reaches this port may use it", style="yellow", soft_wrap=True)

    serve(base, folders, settings, start, ready, indices)


def _indices(given: list[str]) -> dict[str, str]:
    """Name → folder or URL. Errors: a name that is missing or used twice."""
    found: dict[str, str] = {}
    for text in given:
        name, _, address = text.partition("=")
        if not name or not address or name in found:
            why = "the name is used twice" if name in found else "it needs a name and a folder"
            raise SettingError(f"--index {text}: {why}; write --index NAME=DIR")
        found[name] = address
    return found


def _check_backend(backend: str, given: dict[str, Any]) -> None:
    """Errors: options that act on nothing with this backend."""
    here = {*EngineSettings.model_fields, *BaseSettings.model_fields} - {"base"}
    there = set(VllmSettings.model_fields)
    idle = here - there if backend == "vllm" else there - here
    if wrong := sorted(f"--{name.replace('_', '-')}" for name in present(given) if name in idle):
        other = "local" if backend == "vllm" else "vllm"
        acts, them = ("acts", "it") if len(wrong) == 1 else ("act", "them")
        raise SettingError(
            f"{', '.join(wrong)} {acts} on nothing with --backend {backend}; leave {them} out, or serve with --backend"
            f" {other}"
        )


def _here(given: dict[str, Any]) -> "tuple[Base, Callable[[], Engine]]":
    from capotasto.serve.engine import LocalEngine

    settings, base = build(EngineSettings, given), load(build(BaseSettings, given))
    return base, lambda: LocalEngine(base, settings)


def _on_vllm(given: dict[str, Any]) -> "tuple[Base, Callable[[], Engine]]":
    settings, named_base = build(VllmSettings, given), build(BaseSettings, given)
    if not settings.vllm_url:
        raise SettingError("--backend vllm needs the servers' addresses; name them with --vllm-url URL,URL")
    from capotasto.serve.vllm.engine import VllmEngine
    from capotasto.serve.vllm.thin_base import thin_base
    from capotasto.session import DEFAULT_BASE

    base = thin_base(named_base.base or DEFAULT_BASE)
    return base, lambda: VllmEngine(base, settings)
