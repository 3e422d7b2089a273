"""Eight soft prompts over one base: trained together in mixed batches, or one after another."""

from benchmarks.choosing import DATA
from benchmarks.common import arguments, peaks, report, timed
from benchmarks.ours.classify import learnable
from benchmarks.ours.common import adapter, load
from capotasto import Job, TrainSettings, train

ROWS = 24  # of each job, other rows for each


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--jobs", type=int, default=8)
    parser.add_argument("--alone", action="store_true", help="one after another")
    options = parser.parse_args()

    base = load(options)
    rows, _ = DATA["banking77"]()
    jobs = []
    for number in range(options.jobs):
        learner = adapter(base, "prompt", 20, "Classify the text.", number)
        learner.name = f"job {number}"
        mine = learnable(base, rows[number * ROWS : (number + 1) * ROWS], learner)
        jobs.append(Job(learner.name, learner, mine, settings=TrainSettings(epochs=2, seed=number), lr=0.01))

    def work() -> None:
        for group in [[job] for job in jobs] if options.alone else [jobs]:
            for _ in train(base, group):
                pass

    _, seconds = timed(work, base.device)
    tokens = sum(job.tokens for job in jobs)
    report(base.device, base.dtype, seconds=seconds, tokens_per_second=tokens / seconds, **peaks(base.device))


if __name__ == "__main__":
    main()
