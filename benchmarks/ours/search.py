"""A search with successive halving, or (`--halving 17`) as many full trainings; the loss it finds and its time."""

import tempfile
from pathlib import Path

from benchmarks.common import arguments, peaks, report, timed
from benchmarks.ours.common import load
from benchmarks.quotes import write_quotes
from capotasto.experiment.search.run import search

ROWS = 60  # of short quotations: 36 to learn, 12 that choose, 12 untouched


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--trials", type=int, default=16)
    parser.add_argument("--halving", type=int, default=3, help="one in so many goes on; more than the trials: all do")
    options = parser.parse_args()

    base = load(options)
    with tempfile.TemporaryDirectory() as folder:
        data = write_quotes(Path(folder) / "quotes.jsonl", ROWS)
        settings = {"trials": options.trials, "halving": options.halving, "seed": options.seed}
        shape = {"epochs": 3, "looks": 3, "batch_tokens": 256, "patience": 9, "val": 0.2, "test": 0.2}
        done, seconds = timed(lambda: search(base, data, out=Path(folder) / "search", **settings, **shape), base.device)
        best = min(trial["loss"] for trial in done.record["trials"] if trial["loss"] is not None)
        full = max(trial["step"] for trial in done.record["trials"])
        steps = sum(trial["step"] for trial in done.record["trials"])
    report(
        base.device,
        base.dtype,
        seconds=seconds,
        search_seconds=done.record["seconds"],
        full_trainings=steps / full,
        best_loss=best,
        **peaks(base.device),
    )


if __name__ == "__main__":
    main()
