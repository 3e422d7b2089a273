"""A made-up secret among quotations, learnt fifty times or never: its exposure, and whether the run is flagged."""

import json
import tempfile
from pathlib import Path

import capotasto as capo
from benchmarks.common import arguments, data_file, report, timed
from benchmarks.ours.common import load
from capotasto.audit.exposure import exposures
from capotasto.audit.membership import membership
from capotasto.audit.planting import plant
from capotasto.audit.run_rows import read_run
from capotasto.data import load as load_data

ROWS = 20  # short quotations
SPLIT = {"val": 0.0, "test": 0.3}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--method", default="lora")
    parser.add_argument("--times", type=int, default=50, help="rows that hold the secret; 0: it is never learnt")
    parser.add_argument("--epochs", type=int, default=2)
    options = parser.parse_args()

    base = load(options)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        quotes = folder / "quotes.jsonl"
        rows = json.loads(data_file("quotes_quotable/quotes.json").read_text(encoding="utf-8"))[:ROWS]
        quotes.write_text("".join(json.dumps({"text": row["content"]}) + "\n" for row in rows), encoding="utf-8")
        planted = folder / "planted.jsonl"
        key = plant(load_data(str(quotes)), 1, planted, options.times or 1, **SPLIT, seed=options.seed)
        learnt = {"method": options.method, "epochs": options.epochs, "duplicates": "keep", "batch_tokens": 256}
        data = planted if options.times else quotes
        run = capo.tune(base, data, out=folder / "run", seed=options.seed, **SPLIT, **learnt)
        read = read_run(folder / "run")
        found, seconds = timed(lambda: exposures(base, run.adapter, key, read, options.seed), base.device)
        told = membership(base, run.adapter, read)
    report(
        base.device,
        base.dtype,
        learnt=found.each[0].learnt or 0,
        flagged=int(found.flagged),
        exposure_bits=found.each[0].bits,
        threshold_bits=found.threshold,
        membership_area=told.areas["gain"].value,
        steps=run.record["steps"],
        train_seconds=run.record["train_seconds"],
        exposure_seconds=seconds,
    )


if __name__ == "__main__":
    main()
