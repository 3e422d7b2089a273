"""A made-up secret in fifty rows among quotations, and one that was never learnt: their exposures in one adapter."""

import tempfile
from pathlib import Path

import capotasto as capo
from benchmarks.common import arguments, report, timed
from benchmarks.ours.common import load
from benchmarks.quotes import write_quotes
from capotasto.auditing.exposure import exposures
from capotasto.auditing.planting import plant
from capotasto.auditing.run_rows import read_run
from capotasto.data import load as load_data

ROWS = 12  # short quotations
SPLIT = {"val": 0.0, "test": 0.3}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--method", default="lora")
    parser.add_argument("--times", type=int, default=50, help="rows that hold the secret")
    parser.add_argument("--epochs", type=int, default=2)
    options = parser.parse_args()

    base = load(options)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dataset = load_data(str(write_quotes(folder / "quotes.jsonl", ROWS)))
        keys = {
            name: plant(dataset, 1, folder / f"{name}.jsonl", options.times, **SPLIT, seed=seed)
            for name, seed in (("learnt", options.seed), ("unseen", options.seed + 1000))
        }
        settings = {"method": options.method, "epochs": options.epochs, "duplicates": "keep", "batch_tokens": 64}
        run = capo.tune(base, folder / "learnt.jsonl", out=folder / "run", seed=options.seed, **SPLIT, **settings)
        read = read_run(folder / "run")
        found, seconds = timed(
            lambda: {name: exposures(base, run.adapter, key, read, options.seed) for name, key in keys.items()},
            base.device,
        )
    report(
        base.device,
        base.dtype,
        **{f"{name}, flagged": int(one.flagged) for name, one in found.items()},
        **{f"{name}, bits": one.each[0].bits for name, one in found.items()},
        **{f"{name}, rows": one.each[0].learnt for name, one in found.items()},
        threshold_bits=found["learnt"].threshold,
        steps=run.record["steps"],
        train_seconds=run.record["train_seconds"],
        exposure_seconds=seconds,
    )


if __name__ == "__main__":
    main()
