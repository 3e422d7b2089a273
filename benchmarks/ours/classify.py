"""Text → label with Capotasto within a budget of seconds; accuracy by scoring every label, also of the bare base."""

from pathlib import Path

from benchmarks.choosing import DATA, Row, encode
from benchmarks.common import arguments, peaks, report, timed, training
from benchmarks.ours.common import adapter, load, train
from benchmarks.ours.labels import hits, labelled
from benchmarks.texts import IGNORED
from capotasto import Base, TrainSettings
from capotasto.methods.adapter import Adapter
from capotasto.objectives.heads import encode as encode_class
from capotasto.types import Encoded


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--data", choices=DATA, required=True)
    parser.add_argument("--tokens", type=int, default=20, help="virtual tokens")
    parser.add_argument("--method", default="prompt")
    parser.add_argument("--lr", type=float, help="peak learning rate; left out: the package's rule")
    parser.add_argument("--seconds", type=float, required=True, help="budget of training, in seconds")
    parser.add_argument("--batch-tokens", type=int, default=TrainSettings().batch_tokens)
    parser.add_argument("--init", type=Path, help="safetensors file whose tensor `prompt` [P, H] replaces the text")
    parser.add_argument("--bare", action="store_true", help="also score the base without a prompt")
    options = parser.parse_args()
    options.epochs = None

    base = load(options)
    rows, tests = DATA[options.data]()
    names = sorted({row.label for row in rows})
    text = f"Classify the text as one of: {', '.join(names)}."
    learner = adapter(base, options.method, options.tokens, text, options.seed, options.init, names)
    job = train(base, learner, learnable(base, rows, learner), options)
    memory = peaks(base.device)

    found, scoring = timed(lambda: hits(base, labelled(tests), names, learner), base.device)
    bare = {"bare_accuracy": float(hits(base, labelled(tests), names, None).mean())} if options.bare else {}
    report(
        base.device,
        base.dtype,
        **training(job.seconds, job.step, job.tokens),
        accuracy=float(found.mean()),
        adapter_bytes=sum(p.numel() * p.element_size() for p in learner.parameters()),
        scoring_seconds=scoring,
        texts_per_second=len(tests) / scoring,
        **bare,
        **memory,
    )


def learnable(base: Base, rows: list[Row], learner: Adapter) -> list[Encoded]:
    """Rows whose label is written, or for a head chosen."""
    if learner.head() is not None:
        return [encode_class(base.renderer(learner), row, learner) for row in labelled(rows)]
    return [_row(*encode(base.tokenizer, row)) for row in rows]


def _row(ids: list[int], labels: list[int]) -> Encoded:
    return Encoded(tuple(ids), tuple(label != IGNORED for label in labels))


if __name__ == "__main__":
    main()
