"""A thousand soft prompts of 20 tokens: their bytes as folders and in a store, and the time to open the store."""

import tempfile
from pathlib import Path

import torch

from benchmarks.common import arguments, report, timed
from benchmarks.ours.common import adapter, load
from capotasto import Store
from capotasto.artifact import save_adapter

COUNT = 1000


def main() -> None:
    options = arguments(__doc__).parse_args()
    base = load(options)
    learner = adapter(base, "prompt", 20, "Answer in one word.", options.seed)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "store")
        for number in range(COUNT):
            with torch.no_grad():
                next(learner.parameters())[0, 0] = number
            run = Path(folder) / "runs" / f"job-{number}"
            save_adapter(learner, run, base, {})
            store.add(run, run.name)
        opened, seconds = timed(lambda: Store(store.folder), base.device)
        found, reading = timed(lambda: [opened.find(name) for name in opened.entries], base.device)
        report(
            base.device,
            base.dtype,
            open_seconds=seconds,
            find_all_seconds=reading,
            adapters=len(found),
            folders_mb=_megabytes(Path(folder) / "runs"),
            store_mb=_megabytes(store.folder),
        )


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


if __name__ == "__main__":
    main()
