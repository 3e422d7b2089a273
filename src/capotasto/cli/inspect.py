"""`capo inspect`: an adapter's papers."""

import math
from pathlib import Path
from typing import Annotated, Any

import typer
from safetensors import SafetensorError, safe_open

from capotasto import records
from capotasto.cli import result
from capotasto.cli.adapters import place
from capotasto.cli.base import BaseSettings, load
from capotasto.cli.dry_run import start
from capotasto.cli.options import Json, build, settings_options
from capotasto.cli.terminal import facts, heading, out, print_json, table
from capotasto.errors import AdapterError
from capotasto.report import format

EXAMPLES = ("capo inspect runs/tickets", "capo inspect runs/tickets --base smollm2-135m")
NOTE = (
    "The nearest tokens are no faithful explanation of what a prompt does: prompts that read alike can act"
    " differently, and prompts that act alike can read as anything (https://arxiv.org/abs/2112.08348)."
)


@settings_options(BaseSettings)
def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="the folder of an adapter")],
    json: Json = False,
    **given: Any,
) -> None:
    """With --base, also the vocabulary's nearest token to each virtual token."""
    where = build(BaseSettings, given)
    folder = place(str(folder))
    found = _read(folder)
    if where.base is not None:
        found["nearest"] = _nearest(folder, where)
    if json:
        print_json(found)
    else:
        _show(folder, found)


def _read(folder: Path) -> dict[str, Any]:
    """Everything the folder says about its adapter."""
    papers = {name: folder / f"{name}.json" for name in ("manifest", "adapter_config", "run")}
    return {
        "size": _size(folder),
        **{name: records.read_json(path) for name, path in papers.items() if path.exists()},
    }


def _size(folder: Path) -> dict[str, int]:
    """What all weights come to: an adapter's, those of its parts, or a model's."""
    from capotasto.methods.soft import KEY

    names = (
        "adapter_model.safetensors",
        "*/adapter_model.safetensors",
        "*/*/adapter_model.safetensors",
        "model*.safetensors",
    )
    files = next((found for name in names if (found := list(folder.glob(name)))), [])
    if not files:
        raise AdapterError(
            f"no adapter at {folder}: adapter_model.safetensors is missing; name the folder that `capo tune` wrote"
        )
    shapes = [shape for path in files for shape in _shapes(path)]
    return {
        "virtual_tokens": sum(shape[0] for name, shape in shapes if name == KEY),
        "numbers": sum(math.prod(shape) for _, shape in shapes),
        "bytes": sum(path.stat().st_size for path in files),
    }


def _shapes(path: Path) -> list[tuple[str, list[int]]]:
    try:
        with safe_open(path, framework="numpy") as file:
            return [(name, file.get_slice(name).get_shape()) for name in file.keys()]  # noqa: SIM118 (not a dict)
    except (SafetensorError, ValueError) as error:
        raise AdapterError(f"{path} holds no adapter ({error}); take it from its source again") from None


def _nearest(folder: Path, where: BaseSettings) -> list[dict[str, Any]]:
    from capotasto.cli.nearest import nearest
    from capotasto.session import load_adapter

    base = load(where)
    return [{"token": token, "cosine": cosine} for token, cosine in nearest(base, load_adapter(folder, base))]


def _show(folder: Path, found: dict[str, Any]) -> None:
    heading(str(folder))
    made = result.training(folder) if "run" in found else []
    out.print(facts([*_papers(found), *made]))
    if made:
        result.show_scores(folder)
    if "nearest" in found:
        _show_nearest(found["nearest"])
    else:
        out.print(f"\nNearest vocabulary tokens: capo inspect {folder} --base BASE", style="dim")


def _papers(found: dict[str, Any]) -> list[tuple[str, str]]:
    manifest, size = found.get("manifest", {}), found["size"]
    base, data = manifest.get("base", {}), manifest.get("data", {})
    virtual = f"{size['virtual_tokens']} virtual tokens, " if size["virtual_tokens"] else ""
    foreign = found.get("adapter_config", {}).get("base_model_name_or_path") or "unknown"
    return [
        ("Method", manifest.get("method") or f"{found.get('adapter_config', {}).get('peft_type')}, saved by PEFT"),
        ("Size", f"{virtual}{format.count(size['numbers'])} numbers, {format.size(size['bytes'])}"),
        ("Placement", manifest.get("placement", "front")),
        ("Base", f"{base['name']} ({base['fingerprint'][:12]}), {base['source']}" if base else foreign),
        ("Data", f"{data['path']} ({data['hash'][:12]})" if data else ""),
        ("Start", start(manifest["init"]) if manifest.get("init") and "run" not in found else ""),
    ]


def _show_nearest(found: list[dict[str, Any]]) -> None:
    made = table("Virtual token", "Nearest in the vocabulary", "Cosine", title="\nNearest tokens")
    for position, one in enumerate(found, 1):
        made.add_row(str(position), repr(one["token"]), f"{one['cosine']:.3f}")
    out.print(made)
    out.print(NOTE, style="dim")
