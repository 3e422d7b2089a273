"""The cookbook's rows with Capotasto."""

import json
from pathlib import Path

from benchmarks.common import arguments, peaks, report, seconds_to
from benchmarks.ours.common import adapter, load, plain, train
from benchmarks.texts import held_out_rows, training_rows
from capotasto import TrainSettings
from capotasto.evaluate.questions import held_out_loss
from capotasto.types import StepRecord


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--tokens", type=int, default=4, help="virtual tokens")
    parser.add_argument("--method", default="prompt")
    parser.add_argument("--lr", type=float, help="peak learning rate; left out: the package's rule")
    parser.add_argument("--epochs", type=int, help="passes over the rows")
    parser.add_argument("--seconds", type=float, help="budget of training, in seconds")
    parser.add_argument("--batch-tokens", type=int, default=TrainSettings().batch_tokens, help="real tokens in a step")
    parser.add_argument("--text", default="I want you to act as", help="text the prompt is initialised from")
    parser.add_argument("--init", type=Path, help="safetensors file whose tensor `prompt` [P, H] replaces the text")
    parser.add_argument("--target", type=float, help="report the seconds until the held-out loss is this low")
    parser.add_argument("--curve", type=Path, help="JSON lines of seconds, step and held-out loss")
    parser.add_argument("--every", type=int, default=7, help="steps between two points of the curve")
    options = parser.parse_args()
    if not (options.epochs or options.seconds):
        parser.error("say when to stop: --epochs or --seconds")

    base = load(options)
    rows = [plain(ids) for ids in training_rows(base.tokenizer)]
    held_out = [plain(ids) for ids in held_out_rows(base.tokenizer)]
    learner = adapter(base, options.method, options.tokens, options.text, options.seed, options.init)
    points: list[dict[str, float]] = []

    def watch(record: StepRecord) -> None:
        if (options.curve or options.target) and record.step % options.every == 0:
            loss = held_out_loss(base, held_out, learner)
            points.append({"seconds": record.seconds, "step": record.step, "held_out_loss": loss})

    job = train(base, learner, rows, options, watch)
    memory = peaks(base.device)
    if options.curve:
        options.curve.write_text("".join(json.dumps(point) + "\n" for point in points), encoding="utf-8")
    report(
        base.device,
        base.dtype,
        seconds=job.seconds,
        steps=job.step,
        tokens=job.tokens,
        tokens_per_second=job.tokens / job.seconds,
        held_out_loss=held_out_loss(base, held_out, learner),
        **seconds_to(options.target, points),
        **memory,
    )


if __name__ == "__main__":
    main()
