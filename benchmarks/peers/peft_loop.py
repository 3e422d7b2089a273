"""The tuned peer: PEFT on the cookbook's rows with sorted batches, text initialisation and Adam."""

from pathlib import Path

from benchmarks.common import Clock, arguments, load, peaks, report, training
from benchmarks.curve import Curve, flags
from benchmarks.peers.methods import METHODS
from benchmarks.peers.tuned import Progress, Recipe, train, with_adapter
from benchmarks.texts import held_out_loss, plain_labels, sorted_batches, training_rows


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--tokens", type=int, default=4, help="virtual tokens")
    parser.add_argument("--method", choices=METHODS, default="prompt")
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--epochs", type=int, help="passes over the rows")
    parser.add_argument("--seconds", type=float, help="stop after so many seconds of training")
    parser.add_argument("--schedule", choices=["constant", "cosine"], default="constant")
    parser.add_argument("--text", default="I want you to act as", help="text the prompt is initialised from")
    parser.add_argument("--init", type=Path, help="safetensors file whose tensor `prompt` [P, H] replaces the text")
    flags(parser)
    options = parser.parse_args()
    if not (options.epochs or options.seconds):
        parser.error("say when to stop: --epochs, --seconds or both")

    model, tokenizer, device = load(options)
    rows = training_rows(tokenizer)
    learner = with_adapter(model, options.base, options.tokens, options.text, options.init, options.method)
    curve = Curve(options)

    def look(done: Progress) -> None:
        if curve.due(done.steps):
            with clock.paused():
                curve.add(done.seconds, done.steps, held_out_loss(learner, tokenizer, device))

    recipe = Recipe(options.lr, options.epochs, options.seconds, options.schedule, options.seed)
    clock = Clock(device)
    look(Progress())
    batches = sorted_batches(rows, [plain_labels(row) for row in rows], device)
    done = train(learner, batches, recipe, clock, look)
    memory = peaks(device)
    curve.write()
    report(
        device,
        model.dtype,
        **training(done.seconds, done.steps, done.tokens),
        supervised_tokens=done.learnt,
        held_out_loss=held_out_loss(learner, tokenizer, device),
        **curve.seconds_to_target(),
        **memory,
    )


if __name__ == "__main__":
    main()
