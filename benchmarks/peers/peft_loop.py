"""The tuned peer: PEFT on the cookbook's rows with sorted batches, text initialisation and Adam."""

import json
from pathlib import Path

from benchmarks.common import Clock, arguments, load, peaks, report, seconds_to
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
    parser.add_argument("--target", type=float, help="report the seconds until the held-out loss is this low")
    parser.add_argument("--curve", type=Path, help="JSON lines of seconds, step and held-out loss")
    parser.add_argument("--every", type=int, default=7, help="steps between two points of the curve")
    options = parser.parse_args()
    if not (options.epochs or options.seconds):
        parser.error("say when to stop: --epochs, --seconds or both")

    model, tokenizer, device = load(options)
    rows = training_rows(tokenizer)
    learner = with_adapter(model, options.base, options.tokens, options.text, options.init, options.method)
    points: list[dict[str, float]] = []

    def look(done: Progress) -> None:
        if (options.curve or options.target) and done.steps % options.every == 0:
            with clock.paused():
                loss = held_out_loss(learner, tokenizer, device)
                points.append({"seconds": done.seconds, "step": done.steps, "held_out_loss": loss})

    recipe = Recipe(options.lr, options.epochs, options.seconds, options.schedule, options.seed)
    clock = Clock(device)
    look(Progress())
    batches = sorted_batches(rows, [plain_labels(row) for row in rows], device)
    done = train(learner, batches, recipe, clock, look)
    memory = peaks(device)
    if options.curve:
        options.curve.write_text("".join(json.dumps(point) + "\n" for point in points), encoding="utf-8")
    report(
        device,
        model.dtype,
        seconds=done.seconds,
        steps=done.steps,
        tokens=done.tokens,
        supervised_tokens=done.learnt,
        tokens_per_second=done.tokens / done.seconds,
        held_out_loss=held_out_loss(learner, tokenizer, device),
        **seconds_to(options.target, points),
        **memory,
    )


if __name__ == "__main__":
    main()
