"""A Hugging Face folder on this disk: is everything there, whole and safe to read?"""

from pathlib import Path

from safetensors import SafetensorError, safe_open

from capotasto.errors import BaseError
from capotasto.records import read_json

# Reading any of these can run code that was put into the file.
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")

TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "spiece.model", "vocab.json", "vocab.txt")


def check(folder: Path) -> Path:
    """`folder` itself, if it holds a configuration, a tokenizer and whole safetensors weights."""
    if (folder / "adapter_config.json").exists():
        raise BaseError(f"{folder} holds an adapter, not a base; give the folder or name of the base it was made for")
    if not (folder / "config.json").is_file():
        raise BaseError(f"no config.json in {folder}; give the folder that `save_pretrained` wrote")
    read_json(folder / "config.json")
    for path in weights(folder):
        _check_weights(path)
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise BaseError(f"no tokenizer in {folder} (looked for {', '.join(TOKENIZER_FILES)}); save the tokenizer there")
    return folder


def weights(folder: Path) -> list[Path]:
    """The files that hold the model's weights: one, or the shards that the index names."""
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        names = sorted(set(read_json(index).get("weight_map", {}).values()))
        return [_shard(folder, name) for name in names]
    whole = folder / "model.safetensors"
    if not whole.is_file():
        raise BaseError(_no_weights(folder))
    return [whole]


def _shard(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file() or Path(name).name != name:
        raise BaseError(f"{folder} lacks {name}, which model.safetensors.index.json names; fetch the model again")
    return path


def _no_weights(folder: Path) -> str:
    pickles = sorted(path for pattern in _PICKLES for path in folder.glob(pattern))
    if not pickles:
        return f"no model.safetensors in {folder}; give a folder with a model's weights"
    return (
        f"{pickles[0]} is a pickle, which can run any code when it is read, so it is refused; "
        "convert the weights to safetensors where you trust them: model.save_pretrained(folder)"
    )


def _check_weights(path: Path) -> None:
    """The header and the size it promises; the numbers themselves are read when the model is loaded."""
    try:
        with safe_open(path, framework="pt") as weights:
            empty = not list(weights.keys())
    except (SafetensorError, OSError) as error:
        raise BaseError(f"{path} is truncated or damaged ({error}); fetch or save the model again") from error
    if empty:
        raise BaseError(f"{path} holds no tensors; fetch or save the model again")
