"""The cookbook's rows with Capotasto."""

from pathlib import Path

from benchmarks.common import arguments, peaks, report, training
from benchmarks.curve import Curve, flags
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
    flags(parser)
    options = parser.parse_args()
    if not (options.epochs or options.seconds):
        parser.error("say when to stop: --epochs or --seconds")

    base = load(options)
    rows = [plain(ids) for ids in training_rows(base.tokenizer)]
    held_out = [plain(ids) for ids in held_out_rows(base.tokenizer)]
    learner = adapter(base, options.method, options.tokens, options.text, options.seed, options.init)
    curve = Curve(options)

    def watch(record: StepRecord) -> None:
        if curve.due(record.step):
            curve.add(record.seconds, record.step, held_out_loss(base, held_out, learner))

    job = train(base, learner, rows, options, watch)
    memory = peaks(base.device)
    curve.write()
    report(
        base.device,
        base.dtype,
        **training(job.seconds, job.step, job.tokens),
        held_out_loss=held_out_loss(base, held_out, learner),
        **curve.seconds_to_target(),
        **memory,
    )


if __name__ == "__main__":
    main()
