"""A damaged folder: one line with the cause, the place and the remedy, before anything is loaded."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from capotasto.base.sources.folder import check
from tests.refusing import refused
from tests.tiny import save_base


def truncate(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


def scramble(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"not weights at all" * 10)


def only_pickle(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def no_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def adapter(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("{}")


def half_a_config(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "lla')


def no_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def index(folder: Path, shard: str) -> None:
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": shard}}))


def lost_shard(folder: Path) -> None:
    index(folder, "model-00002-of-00002.safetensors")


def shard_outside(folder: Path) -> None:
    (folder.parent / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    index(folder, "../model.safetensors")


@pytest.mark.parametrize(
    ("harm", "promised"),
    [
        (truncate, ["model.safetensors is truncated or damaged", "fetch or save the model again"]),
        (scramble, ["model.safetensors is truncated or damaged"]),
        (only_pickle, ["pytorch_model.bin is a pickle", "can run any code", "refused", "convert"]),
        (no_weights, ["no model.safetensors in", "weights"]),
        (no_config, ["no config.json in", "save_pretrained"]),
        (adapter, ["holds an adapter, not a base", "the base it was made for"]),
        (half_a_config, ["cannot read", "config.json", "damaged"]),
        (no_tokenizer, ["no tokenizer in", "tokenizer.json", "save the tokenizer there"]),
        (lost_shard, ["lacks model-00002-of-00002.safetensors", "index.json", "fetch the model again"]),
        (shard_outside, ["lacks ../model.safetensors"]),
    ],
)
def test_refusals(saved: Path, harm: Callable[[Path], None], promised: list[str]) -> None:
    harm(saved)
    with refused(str(saved), *promised):
        check(saved)


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_a_whole_folder_passes(tmp_path: Path, architecture: str) -> None:
    folder = save_base(tmp_path / architecture, architecture, torch.bfloat16)
    (folder / "pytorch_model.bin").write_bytes(b"ignored: there are safetensors beside it")
    assert check(folder) == folder
