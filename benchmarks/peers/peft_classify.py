"""PEFT prompt tuning for text → label, within a budget of seconds; accuracy by scoring every label."""

from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from torch.nn.functional import cross_entropy
from transformers import PreTrainedTokenizerBase

from benchmarks.choosing import DATA, Row, encode, label_ids, prompt_ids
from benchmarks.common import Clock, arguments, load, peaks, report, timed, training
from benchmarks.peers.tuned import Recipe, train, with_adapter
from benchmarks.texts import IGNORED, pad, sorted_batches


@torch.inference_mode()
def choose(model: PeftModel, before: list[int], labels: list[list[int]]) -> int:
    """Which of the labels has the largest sum of log-probabilities, the end of the turn included, after `before`.

    The base reads prompt and text once; all labels go on from there as one batch, padded on the right.
    """
    base: Any = model.get_base_model()
    text = base.get_input_embeddings()(torch.tensor([before], device=model.device))
    prompt = model.get_prompt(batch_size=1).to(text.dtype)
    begun = base(inputs_embeds=torch.cat([prompt, text], 1), use_cache=True, logits_to_keep=1)
    begun.past_key_values.batch_repeat_interleave(len(labels))
    batch = pad(labels, labels, model.device)
    rest = base(input_ids=batch["input_ids"][:, :-1], past_key_values=begun.past_key_values).logits
    logits = torch.cat([begun.logits.expand(len(labels), -1, -1), rest], 1).float()
    nats = cross_entropy(logits.transpose(1, 2), batch["labels"], ignore_index=IGNORED, reduction="none")
    return int(nats.sum(1).argmin())


def accuracy(model: PeftModel, tokenizer: PreTrainedTokenizerBase, rows: list[Row], names: list[str]) -> float:
    """The share of rows whose chosen label is the gold one."""
    labels = [label_ids(tokenizer, name) for name in names]
    chosen = [names[choose(model, prompt_ids(tokenizer, row.text), labels)] for row in rows]
    return sum(name == row.label for name, row in zip(chosen, rows, strict=True)) / len(rows)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--data", choices=DATA, required=True)
    parser.add_argument("--tokens", type=int, default=20, help="virtual tokens")
    parser.add_argument("--lr", type=float, default=1e-2)
    parser.add_argument("--seconds", type=float, required=True, help="budget of training, in seconds")
    parser.add_argument("--schedule", choices=["constant", "cosine"], default="cosine")
    parser.add_argument("--init", type=Path, help="safetensors file whose tensor `prompt` [P, H] replaces the text")
    options = parser.parse_args()

    model, tokenizer, device = load(options)
    rows, tests = DATA[options.data]()
    names = sorted({row.label for row in rows})
    learner = with_adapter(
        model, options.base, options.tokens, f"Classify the text as one of: {', '.join(names)}.", options.init
    )
    clock = Clock(device)
    ids, targets = zip(*(encode(tokenizer, row) for row in rows), strict=True)
    batches = sorted_batches(list(ids), list(targets), device)
    recipe = Recipe(options.lr, None, options.seconds, options.schedule, options.seed)
    done = train(learner, batches, recipe, clock, look=lambda _: None)
    memory = peaks(device)

    share, scoring = timed(lambda: accuracy(learner, tokenizer, tests, names), device)
    report(
        device,
        model.dtype,
        **training(done.seconds, done.steps, done.tokens),
        accuracy=share,
        scoring_seconds=scoring,
        texts_per_second=len(tests) / scoring,
        **memory,
    )


if __name__ == "__main__":
    main()
