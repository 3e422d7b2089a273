"""Text → label with Capotasto within a budget of seconds; accuracy by scoring every label, also of the bare base."""

from pathlib import Path

from benchmarks.choosing import DATA, Row, encode
from benchmarks.common import arguments, peaks, report, timed
from benchmarks.ours.common import adapter, load, train
from benchmarks.texts import IGNORED
from capotasto import Base, Example, TrainSettings, Turn
from capotasto.evaluate.questions import choose
from capotasto.methods.adapter import Adapter
from capotasto.objectives.heads import encode as encode_class
from capotasto.types import Encoded


def accuracy(base: Base, rows: list[Row], names: list[str], learner: Adapter | None) -> float:
    """The share of rows whose likeliest label is the gold one."""
    asked = [example(row) for row in rows]
    chosen = choose(base, base.renderer(learner), asked, names, learner).argmax(1)
    return sum(names[i] == row.label for i, row in zip(chosen, rows, strict=True)) / len(rows)


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

    share, scoring = timed(lambda: accuracy(base, tests, names, learner), base.device)
    bare = {"bare_accuracy": accuracy(base, tests, names, None)} if options.bare else {}
    report(
        base.device,
        base.dtype,
        seconds=job.seconds,
        steps=job.step,
        tokens=job.tokens,
        tokens_per_second=job.tokens / job.seconds,
        accuracy=share,
        adapter_bytes=sum(p.numel() * p.element_size() for p in learner.parameters()),
        scoring_seconds=scoring,
        texts_per_second=len(tests) / scoring,
        **bare,
        **memory,
    )


def example(row: Row) -> Example:
    return Example((Turn("user", row.text), Turn("assistant", row.label, learn=True)), label=row.label)


def learnable(base: Base, rows: list[Row], learner: Adapter) -> list[Encoded]:
    """Rows whose label is written, or for a head chosen."""
    if learner.head() is not None:
        return [encode_class(base.renderer(learner), example(row), learner) for row in rows]
    return [_row(*encode(base.tokenizer, row)) for row in rows]


def _row(ids: list[int], labels: list[int]) -> Encoded:
    return Encoded(tuple(ids), tuple(label != IGNORED for label in labels))


if __name__ == "__main__":
    main()
