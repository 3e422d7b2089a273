import json
from pathlib import Path

from capotasto.base.machine import facts


def test_facts_are_plain_and_sized(cache: Path) -> None:
    cache.mkdir()
    (cache / "file").write_bytes(b"12345")
    found = facts()
    assert json.loads(json.dumps(found)) == found
    assert found["cache"] == str(cache)
    assert found["cache_size"] == 5
    assert found["free_disk"] > 0
    assert found["cores"] >= 1
    assert found["dtype"] in ("fp32", "bf16")
    assert {"python", "torch", "transformers"} <= set(found["versions"])


def test_a_cache_that_does_not_exist_yet(cache: Path) -> None:
    assert facts()["cache_size"] == 0
    assert not cache.exists()
