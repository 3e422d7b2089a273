"""Eight soft prompts judged on the same labelled rows: together, or (`--separate`) each beside the base again."""

from benchmarks.choosing import DATA
from benchmarks.common import arguments, peaks, report, timed
from benchmarks.ours.common import load
from benchmarks.ours.labels import labelled
from benchmarks.ours.server import prompts
from capotasto.evaluate.bare import ask_beside_bare

ROWS = 50


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--data", choices=DATA, default="task875")
    parser.add_argument("--separate", action="store_true")
    options = parser.parse_args()

    base = load(options)
    adapters, (train, tests) = prompts(base, options.seed), DATA[options.data]()
    labels, rows = sorted({row.label for row in train}), labelled(tests[:ROWS])
    groups = [[one] for one in adapters] if options.separate else [adapters]

    def judged() -> list[float]:
        found = [ask_beside_bare(base, base.renderer(), rows, labels, rows, group)[1:] for group in groups]
        return [float(one.sums.sum()) for group in found for one in group if one.sums is not None]

    losses, seconds = timed(judged, base.device)
    report(base.device, base.dtype, seconds=seconds, loss=sum(losses) / len(losses), **peaks(base.device))


if __name__ == "__main__":
    main()
