"""What the kept states of frozen lower layers save: seconds of the first epoch and of the second, with and without."""

import tempfile
from pathlib import Path

from benchmarks.choosing import DATA
from benchmarks.common import Clock, arguments, peaks, report
from benchmarks.ours.classify import learnable
from benchmarks.ours.common import adapter, load
from capotasto import Base, Job, TrainSettings, train
from capotasto.training.fill import fill
from capotasto.trunk import Trunk


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--data", choices=DATA, required=True)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--method", default="head")
    parser.add_argument("--layers", help="only these layers of the method")
    parser.add_argument("--adapters", type=int, default=1, help="so many of them, one after another: a sweep")
    parser.add_argument("--plain", action="store_true", help="keep nothing")
    options = parser.parse_args()

    base = load(options)
    rows, _ = DATA[options.data]()
    names = sorted({row.label for row in rows})
    with tempfile.TemporaryDirectory() as folder:
        trunk = Trunk.of(base, 0.0 if options.plain else 8.0)
        trunk.folder = Path(folder) / "trunk"
        sweep = []
        for number in range(options.adapters):
            learner = adapter(base, options.method, 20, "", number, labels=names, layers=options.layers)
            chosen = learnable(base, rows[: options.rows], learner)
            sweep.append(_epochs(base, trunk, Job("ours", learner, chosen, settings=_settings(number), lr=1e-3)))
        kept = sum(path.stat().st_size for path in trunk.folder.glob("*.bin")) / 2**20
    first, second = sweep[0]
    report(
        base.device,
        base.dtype,
        first_epoch_seconds=first,
        second_epoch_seconds=second,
        first_to_second=first / second,
        sweep_seconds=sum(map(sum, sweep)),
        sweep_to_one=sum(map(sum, sweep)) / (first + second),
        trunk_mib=kept,
        **peaks(base.device),
    )


def _settings(seed: int) -> TrainSettings:
    return TrainSettings(epochs=2, seed=seed)


def _epochs(base: Base, trunk: Trunk, job: Job) -> tuple[float, float]:
    """Seconds of the first epoch, with what is computed before it, and of the second."""
    clock = Clock(base.device)
    list(fill(base, trunk, [job]))
    ends: dict[int, float] = {}
    for _ in train(base, [job], trunk=trunk):
        ends.setdefault(job.epoch, clock.seconds)
    return ends[1], ends[2] - ends[1]


if __name__ == "__main__":
    main()
