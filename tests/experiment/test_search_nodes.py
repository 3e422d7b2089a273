"""A search over the nodes of a Ray cluster finds what the search on one machine finds. `make test-ray` runs it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from capotasto import search
from capotasto.errors import SettingError
from capotasto.session import Base

SEARCH = {
    "space": "lr=1e-3..0.1:log,tokens=2|4",
    "init": "vocab",
    "epochs": 4,
    "batch_tokens": 128,
    "trials": 4,
    "together": 4,
    "halving": 2,
    "val": 0.2,
    "test": 0.3,
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """Two nodes on this machine."""
    ray = pytest.importorskip("ray", reason="Ray is not installed; `make test-ray` installs it and runs this test")
    pytest.importorskip("optuna")
    from ray.cluster_utils import Cluster

    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    nodes.add_node(num_cpus=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ADDRESS", nodes.address)
        yield nodes.address
    ray.shutdown()
    nodes.shutdown()


def test_two_nodes_find_what_one_machine_finds(cluster: str, base: Base, rows: Path, tmp_path: Path) -> None:
    import ray

    here = search(base, rows, out=tmp_path / "here", **SEARCH)
    there = search(base, rows, out=tmp_path / "there", **SEARCH, on="ray")
    assert len([node for node in ray.nodes() if node["Alive"]]) == 2
    for one, other in zip(there.trials, here.trials, strict=True):
        assert (one.settings, one.state, one.step) == (other.settings, other.state, other.step)
        assert [step for step, _ in one.looks] == [step for step, _ in other.looks]
        assert [loss for _, loss in one.looks] == pytest.approx([loss for _, loss in other.looks], rel=1e-3)
    assert there.record["winner"]["trial"] == here.record["winner"]["trial"]
    assert there.record["winner"]["test_loss"] == pytest.approx(here.record["winner"]["test_loss"], rel=1e-3)
    assert there.record["held_out"] == here.record["held_out"]


def test_a_node_that_has_another_base_is_refused(cluster: str, base: Base, rows: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    from capotasto.errors import BaseError

    other = replace(base, fingerprint="0" * 64)
    with pytest.raises(BaseError, match="another base on a node"):
        search(other, rows, out=tmp_path / "out", **SEARCH, on="ray")


def test_without_ray_there_is_one_clear_line(
    base: Base, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("optuna")
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SettingError, match=r'--on ray needs Ray.*pip install "capotasto\[ray\]"'):
        search(base, rows, out=tmp_path / "out", **SEARCH, on="ray")
