"""`capo serve`: base and adapters over HTTP."""

from capotasto.cli import adapters as named
from capotasto.cli.base import BaseSettings, load
from capotasto.cli.options import Json, build, settings_options
from capotasto.cli.terminal import err, print_json
from capotasto.serve.engine_settings import EngineSettings
from capotasto.serve.settings import ServeSettings

EXAMPLES = (
    "capo serve --adapter support=runs/support",
    "capo serve --adapters-dir adapters --host 0.0.0.0 --keys keys.yaml",
)


class ServeOptions(BaseSettings, ServeSettings, EngineSettings):
    """What the command takes."""


@settings_options(ServeOptions)
def command(adapter: named.Adapters = None, json: Json = False, **given: object) -> None:
    """OpenAI's clients can talk to it: `model` names an adapter, or the base. Only this machine can, unless told."""
    settings, engine = build(ServeSettings, given), build(EngineSettings, given)
    folders = named.folders(adapter or [])
    base = load(build(BaseSettings, given))
    from capotasto.serve.run import serve

    def ready(address: str, model: str) -> None:
        if json:
            print_json({"address": address, "model": model, "adapters": list(folders)})
        else:
            err.print(f"serving {model} and {len(folders)} adapters at {address}/v1; Ctrl-C ends it", soft_wrap=True)
        if settings.insecure:
            err.print("capo: warning: --insecure: whoever reaches this port may use it", style="yellow", soft_wrap=True)

    serve(base, folders, settings, engine, ready)
