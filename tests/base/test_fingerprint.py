import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from capotasto.base import hashes
from capotasto.base.fingerprint import fingerprint, short
from tests.tiny import save_base, tiny_base


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_the_same_model_elsewhere_is_the_same(saved: Path, tmp_path: Path) -> None:
    other = save_base(tmp_path / "other")
    edit(other / "config.json", transformers_version="9.9", _name_or_path="x", dtype="bfloat16", use_cache=False)
    assert fingerprint(other) == fingerprint(saved)
    assert short(fingerprint(saved)) == fingerprint(saved)[:12]


def other_config(folder: Path) -> None:
    edit(folder / "config.json", rms_norm_eps=0.5)


def other_weight(folder: Path) -> None:
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "model.safetensors").write_bytes(data)


def other_vocabulary(folder: Path) -> None:
    edit(folder / "tokenizer.json", normalizer={"type": "Lowercase"})


@pytest.mark.parametrize("change", [other_config, other_weight, other_vocabulary])
def test_any_change_of_the_function_shows(saved: Path, change: Callable[[Path], None]) -> None:
    before = fingerprint(saved)
    change(saved)
    assert fingerprint(saved) != before


def test_a_vocabulary_without_tokenizer_json_counts(saved: Path) -> None:
    (saved / "tokenizer.json").unlink()
    (saved / "vocab.json").write_text("{}")
    before = fingerprint(saved)
    (saved / "merges.txt").write_text("a b")
    assert fingerprint(saved) != before


def test_files_are_read_once(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint(saved)
    monkeypatch.setattr(hashes, "file_hash", lambda path: pytest.fail(f"{path} was read again"))
    assert fingerprint(saved) == before


def test_a_file_changed_in_place_is_read_again(saved: Path) -> None:
    before = fingerprint(saved)
    other_weight(saved)  # same size
    os.utime(saved / "model.safetensors", ns=(1, 1))
    assert fingerprint(saved) != before


def test_a_cache_that_cannot_be_written_only_costs_time(saved: Path, cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    assert len(fingerprint(saved)) == 64


def test_models_in_memory() -> None:
    first, same = tiny_base(dtype=torch.float32), tiny_base(dtype=torch.float32)
    assert first.fingerprint == same.fingerprint
    with torch.no_grad():
        same.embedding.weight[0, 0] += 1e-4
    assert type(same).from_parts(same.model, same.tokenizer).fingerprint != first.fingerprint
