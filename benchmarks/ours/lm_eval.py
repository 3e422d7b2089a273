"""lm-eval's tasks through the model `capotasto`."""

from benchmarks.evaluating import LENGTH, flags, measure
from benchmarks.ours.common import load
from capotasto.lm_eval.registered import lm_class
from capotasto.session import load_adapter


def main() -> None:
    parser = flags(__doc__)
    parser.add_argument("--adapter", help="folder of an adapter")
    parser.add_argument("--batch-tokens", type=int, default=4096)
    options = parser.parse_args()
    base = load(options)
    adapter = load_adapter(options.adapter, base) if options.adapter else None
    measure(lm_class()(base, adapter, options.batch_tokens, LENGTH), options)


if __name__ == "__main__":
    main()
