"""`python -m benchmarks [NAME …]`: run the named comparisons, or all of them."""

import argparse
import subprocess
import sys

from benchmarks.harness import Arm, compare

PEERS, OURS = "benchmarks.peers", "benchmarks.ours"
TRAINING = ("--epochs", "1")
ONE_EPOCH = ("--tokens", "652", "--supervised", "645", "--steps", "7")  # the same rows: 4,562 tokens in 7 batches
EIGHT_ROWS = ("--batch-tokens", "700")  # as many tokens a step as the peers' eight rows have
LONG = (*TRAINING, "--tokens", "100")
TEXT = (
    "I want you to act as a travel guide. I will write you my location and you will suggest a place to visit near it."
)
MINUTE = ("--tokens", "20", "--seconds", "60", "--text", TEXT, "--target", "3.10")
BANKING = ("--data", "banking77", "--seconds", "60")
SPAM = ("--data", "sms_spam", "--seconds", "20")
LORA = ("--method", "lora", "--lr", "1e-3")
PREFIX = ("--method", "prefix", "--tokens", "50")
HEADS = ("--data", "banking77", "--rows", "200")
UPPER = ("--data", "banking77", "--rows", "100", "--method", "lora")
TRACE = ("--rate", "0.8")  # requests a second: 51 tokens a second, about 70 % of what a batch of eight writes
RATES = ("0.01", "0.03", "0.1")  # the peer's learning rates; this package has its own rule

# Name → the peer that ratios are taken to, and every arm's module with its flags.
COMPARISONS: dict[str, tuple[str, dict[str, tuple[str, ...]]]] = {
    "training-4-virtual-tokens": (
        "peft tuned",
        {
            "peft cookbook": (f"{PEERS}.peft_trainer", *TRAINING),
            "peft tuned": (f"{PEERS}.peft_loop", *TRAINING),
            "capotasto": (f"{OURS}.train", *TRAINING, *EIGHT_ROWS),
            "floor": ("benchmarks.gemm", *ONE_EPOCH),
        },
    ),
    "training-100-virtual-tokens": (
        "peft tuned",
        {"peft tuned": (f"{PEERS}.peft_loop", *LONG), "capotasto": (f"{OURS}.train", *LONG, *EIGHT_ROWS)},
    ),
    "quality-in-a-minute": (
        "peft lr 0.03",
        {
            "capotasto": (f"{OURS}.train", *MINUTE, "--batch-tokens", "256", "--every", "8"),
            **{
                f"peft lr {rate}": (f"{PEERS}.peft_loop", *MINUTE, "--schedule", "cosine", "--lr", rate, "--every", "4")
                for rate in RATES
            },
        },
    ),
    "banking77": (
        "peft",
        {"peft": (f"{PEERS}.peft_classify", *BANKING), "capotasto": (f"{OURS}.classify", *BANKING, "--bare")},
    ),
    "sms-spam": (
        "peft",
        {"peft": (f"{PEERS}.peft_classify", *SPAM), "capotasto": (f"{OURS}.classify", *SPAM, "--bare")},
    ),
    "training-lora": (
        "peft tuned",
        {
            "peft trainer": (f"{PEERS}.peft_trainer", *TRAINING, *LORA),
            "peft tuned": (f"{PEERS}.peft_loop", *TRAINING, *LORA),
            "capotasto": (f"{OURS}.train", *TRAINING, *LORA, *EIGHT_ROWS),
        },
    ),
    "training-prefix-50": (
        "peft tuned",
        {
            "peft tuned": (f"{PEERS}.peft_loop", *TRAINING, *PREFIX),
            "capotasto": (f"{OURS}.train", *TRAINING, *PREFIX, *EIGHT_ROWS),
        },
    ),
    "head-epochs": (
        "nothing kept",
        {
            "nothing kept": (f"{OURS}.trunk", *HEADS, "--plain"),
            "trunk": (f"{OURS}.trunk", *HEADS),
            "trunk, ten heads": (f"{OURS}.trunk", *HEADS, "--adapters", "10"),
        },
    ),
    "upper-lora-epochs": (
        "all layers",
        {
            "all layers": (f"{OURS}.trunk", *UPPER, "--plain"),
            "upper half, nothing kept": (f"{OURS}.trunk", *UPPER, "--layers", "15-29", "--plain"),
            "upper half, trunk": (f"{OURS}.trunk", *UPPER, "--layers", "15-29"),
        },
    ),
    "eight-together": (
        "alone",
        {"alone": (f"{OURS}.together", "--alone"), "together": (f"{OURS}.together",)},
    ),
    "judged-together": (
        "each with the base",
        {"each with the base": (f"{OURS}.judge", "--separate"), "together": (f"{OURS}.judge",)},
    ),
    "lm-eval": (
        "lm-eval's hf",
        {"lm-eval's hf": (f"{PEERS}.lm_eval_hf",), "capotasto": (f"{OURS}.lm_eval",)},
    ),
    "search": (
        "sixteen full trainings",
        {
            "sixteen full trainings": (f"{OURS}.search", "--halving", "17"),
            "successive halving": (f"{OURS}.search",),
        },
    ),
    **{
        f"retrieval-{data}": ("capotasto", {"capotasto": (f"{OURS}.retrieve", "--data", data)})
        for data in ("handbook", "untold", "pubmedqa")
    },
    "store": ("capotasto", {"capotasto": (f"{OURS}.store",)}),
    "served-prompts": (
        "transformers",
        {
            "transformers": (f"{PEERS}.transformers_generate",),
            "vllm": (f"{PEERS}.vllm_generate",),
            "capotasto": (f"{OURS}.serve",),
        },
    ),
    "served-alone": (
        "transformers",
        {
            "transformers": (f"{PEERS}.transformers_generate", "--rows", "1"),
            "vllm": (f"{PEERS}.vllm_generate", "--rows", "1"),
            "capotasto": (f"{OURS}.serve", "--rows", "1"),
        },
    ),
    "served-mixed": (
        "eight prompts",
        {"eight prompts": (f"{OURS}.serve",), "all kinds": (f"{OURS}.serve", "--mixed")},
    ),
    "served-thousand": (
        "one adapter",
        {
            "one adapter": (f"{OURS}.serve_many", "--adapters", "1"),
            "a thousand": (f"{OURS}.serve_many", "--adapters", "1000"),
        },
    ),
    "served-trace": (
        "vllm",
        {
            "vllm": (f"{OURS}.serve_trace", *TRACE, "--vllm"),
            "capotasto": (f"{OURS}.serve_trace", *TRACE),
        },
    ),
    "canaries": (
        "prompt",
        {method: (f"{OURS}.canaries", "--method", method) for method in ("lora", "prompt")},
    ),
    "personal": ("capotasto", {"capotasto": (f"{OURS}.personal",)}),
    "serving": ("peft", {"peft": (f"{PEERS}.peft_generate",), "capotasto": (f"{OURS}.generate",)}),
}


def bundled_base() -> str:
    """The folder of the small base model; asked in a process of its own, so that this one stays light."""
    ask = "import capotasto; print(capotasto.load_base('smollm2-135m').folder)"
    return subprocess.check_output([sys.executable, "-c", ask], text=True).splitlines()[-1]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(COMPARISONS)}")
    parser.add_argument("--base", help="folder of the base model; default: the small one")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="auto")
    options = parser.parse_args()
    if unknown := set(options.names) - set(COMPARISONS):
        parser.error(f"unknown comparison {sorted(unknown)[0]!r}; known: {', '.join(COMPARISONS)}")

    base = options.base or bundled_base()
    common = ("--base", base, "--device", options.device, "--dtype", options.dtype)
    for name in options.names or COMPARISONS:
        peer, modules = COMPARISONS[name]
        arms = [Arm(arm, ("-m", *command, *common)) for arm, command in modules.items()]
        if path := compare(name, arms, peer, options.rounds):
            print(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
