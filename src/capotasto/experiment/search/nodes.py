"""The trials of a search spread over the nodes of a Ray cluster (https://docs.ray.io/en/latest/ray-core/actors.html).

Each node loads the base itself and trains its share of the trials in mixed batches. Rows travel read and encoded, a
trial as the few files of its folder, so that nodes need neither the data nor a disk in common. Only the driver asks,
compares and halves.
"""

import logging
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from capotasto.errors import BaseError, SettingError, TrainingError, UserError
from capotasto.experiment.beginning import START
from capotasto.experiment.difficulty import LOSSES
from capotasto.experiment.folder import LOG
from capotasto.experiment.search.advance import Reached, Work, advance
from capotasto.experiment.settings import TuneSettings
from capotasto.experiment.shared import Shared
from capotasto.records import write_bytes
from capotasto.session import Base, load_base
from capotasto.training.resume import FILE as CHECKPOINT

_CARRIED = (START, LOG, LOSSES, CHECKPOINT)
Files = dict[str, bytes]
Parcel = tuple[dict[str, Any], float, Files]  # a trial's settings, the share it learns up to, its files


class Node:
    """What runs on one node: a base of its own, and what it has read and encoded."""

    def __init__(self, source: str, shared: Shared, threads: int):
        torch.set_num_threads(threads)
        self.source, self.shared = source, shared

    def load(self, spec: str, dtype: str, fingerprint: str) -> None:
        """Load the base. Errors: it is another one here."""
        self.base = load_base(spec, dtype=dtype)
        if self.base.fingerprint != fingerprint:
            raise BaseError(f"{spec} is another base on a node of the cluster than here; load the same one everywhere")

    def advance(self, parcels: Mapping[str, Parcel], seconds: float) -> dict[str, tuple[Reached, Files]]:
        """Train these trials for so long at most; returns how far each came, and its files."""
        deadline = time.monotonic() + seconds
        with tempfile.TemporaryDirectory() as scratch:
            work = []
            for name, (settings, share, files) in parcels.items():
                _unpack(Path(scratch) / name, files)
                work.append(Work(Path(scratch) / name, TuneSettings(**settings), share))
            reached = advance(self.base, self.source, self.shared, work, deadline)
            return {one.name: (reached[one.name], _pack(one.folder)) for one in work if one.name in reached}


class Nodes:
    """The nodes of a cluster as one who advances trials, in place of this process."""

    def __init__(self, base: Base, source: str, address: str, shared: Shared):
        if base.folder is None:
            raise BaseError("the nodes of a cluster cannot load a base that was built in memory; save it to a folder")
        self.ray = _connected(address)
        kept = self.ray.put(shared)
        kind = self.ray.remote(Node)
        dtype = {torch.bfloat16: "bf16", torch.float64: "fp64"}.get(base.dtype, "fp32")
        able = [node for node in self.ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1]
        if not able:
            raise SettingError(f"no node of the cluster at {address} has a free processor; start one with `ray start`")
        self.nodes = [
            kind.options(num_cpus=1, num_gpus=int(node["Resources"].get("GPU", 0) > 0), **self._on(node)).remote(
                source, kept, int(node["Resources"]["CPU"])
            )
            for node in able
        ]
        self._get([node.load.remote(base.name, dtype, base.fingerprint) for node in self.nodes])

    def advance(self, work: Sequence[Work], deadline: float, watch: Any = None) -> dict[str, Reached]:
        """As the function of that name: each node takes an even share of the trials."""
        seconds = deadline - time.monotonic()
        if seconds < 0:
            return {}
        shares = [work[place :: len(self.nodes)] for place in range(len(self.nodes))]
        calls = [
            node.advance.remote({one.name: _parcel(one) for one in share}, seconds)
            for node, share in zip(self.nodes, shares, strict=True)
            if share
        ]
        reached: dict[str, Reached] = {}
        folders = {one.name: one.folder for one in work}
        for name, (found, files) in (pair for done in self._get(calls) for pair in done.items()):
            _unpack(folders[name], files)
            reached[name] = found
        return reached

    def _on(self, node: dict[str, Any]) -> dict[str, Any]:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        return {"scheduling_strategy": NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)}

    def _get(self, calls: list[Any]) -> list[Any]:
        """The nodes' answers. Errors: what a node met, as if it had been met here; a node that was lost."""
        try:
            return list(self.ray.get(calls))
        except self.ray.exceptions.RayTaskError as error:
            raise error.cause if isinstance(error.cause, UserError) else error from None
        except self.ray.exceptions.RayError as error:
            why = str(error).strip().splitlines()[0]
            raise TrainingError(f"a node of the cluster was lost ({why}); go on with --resume") from None


def _connected(address: str) -> Any:
    """Ray, connected. Errors: it is not installed, or there is no cluster at the address."""
    try:
        import ray
    except ImportError:
        raise SettingError(
            f'--on {address} needs Ray, which is not installed; pip install "capotasto[ray]", or leave --on out'
        ) from None
    if not ray.is_initialized():
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a cluster that is started here reports to nobody
        try:
            ray.init(address if "://" in address else None, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, RuntimeError, ValueError) as error:
            why = str(error).strip().splitlines()[0]
            raise SettingError(f"no Ray cluster at {address} ({why}); check the address, or use --on ray") from None
    return ray


def _parcel(one: Work) -> Parcel:
    return one.settings.model_dump(), one.share, _pack(one.folder)


def _pack(folder: Path) -> Files:
    return {name: (folder / name).read_bytes() for name in _CARRIED if (folder / name).exists()}


def _unpack(folder: Path, files: Files) -> None:
    """The checkpoint comes last: with it the trial goes on from here, without it from the files there were."""
    for name in _CARRIED:
        if name in files:
            write_bytes(folder / name, files[name])
