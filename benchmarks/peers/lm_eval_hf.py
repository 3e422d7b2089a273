"""lm-eval's tasks through its own model `hf`."""

from lm_eval.models.huggingface import HFLM

from benchmarks.common import load
from benchmarks.evaluating import LENGTH, flags, measure


def main() -> None:
    parser = flags(__doc__)
    parser.add_argument("--adapter", help="folder of an adapter that PEFT reads")
    parser.add_argument("--batch-size", type=int, default=8, help="rows padded together; faster than 1 on a processor")
    options = parser.parse_args()
    model, tokenizer, _ = load(options)
    if options.adapter:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, options.adapter)
    measure(HFLM(pretrained=model, tokenizer=tokenizer, batch_size=options.batch_size, max_length=LENGTH), options)


if __name__ == "__main__":
    main()
