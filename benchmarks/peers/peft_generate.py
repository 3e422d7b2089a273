"""Serving with PEFT: 8 requests of 8 tasks one `set_adapter` at a time, then 8 requests of one task in a batch.

64 new tokens each, greedy, never ended early. The ids are written down, so that another server's can be compared.
"""

import json
from pathlib import Path

import torch
from peft import PeftModel
from transformers import PreTrainedTokenizerBase

from benchmarks.common import arguments, load, peaks, report, timed
from benchmarks.peers.tuned import set_prompt, with_adapter
from benchmarks.serving import NEW_TOKENS, VIRTUAL_TOKENS, rates, requests, task_prompts


def with_tasks(model: PeftModel, prompts: torch.Tensor) -> None:
    """Add one adapter a task, named by its number, with the prompts [A, P, H]."""
    for task, prompt in enumerate(prompts):
        model.add_adapter(str(task), model.peft_config["default"])
        set_prompt(model, str(task), prompt)


@torch.inference_mode()
def generate(model: PeftModel, ids: torch.Tensor, mask: torch.Tensor, new_tokens: int) -> list[list[int]]:
    """Exactly `new_tokens` greedy token ids for each row of `ids` [B, T]."""
    out = model.generate(
        input_ids=ids, attention_mask=mask, max_new_tokens=new_tokens, min_new_tokens=new_tokens, do_sample=False
    )
    return out[:, ids.shape[1] :].tolist()


def one_by_one(model: PeftModel, rows: list[torch.Tensor], new_tokens: int) -> list[list[int]]:
    """Request i is answered by task i."""
    answers = []
    for task, row in enumerate(rows):
        model.set_adapter(str(task))
        answers += generate(model, row[None], torch.ones_like(row[None]), new_tokens)
    return answers


def batched(
    model: PeftModel, tokenizer: PreTrainedTokenizerBase, rows: list[torch.Tensor], new_tokens: int
) -> list[list[int]]:
    """All requests are answered by task 0, in one batch padded on the left."""
    model.set_adapter("0")
    tokenizer.padding_side = "left"
    batch = tokenizer.pad({"input_ids": [row.tolist() for row in rows]}, return_tensors="pt").to(model.device)
    return generate(model, batch["input_ids"], batch["attention_mask"], new_tokens)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--new-tokens", type=int, default=NEW_TOKENS)
    parser.add_argument("--ids", type=Path, help="JSON file for the generated ids")
    options = parser.parse_args()

    model, tokenizer, device = load(options)
    prompts = task_prompts(model.get_input_embeddings().get_parameter("weight"), tokenizer, options.seed)
    server = with_adapter(model.eval(), options.base, VIRTUAL_TOKENS, "a prompt to be replaced", init=None)
    with_tasks(server, prompts)
    rows = [torch.tensor(ids, device=device) for ids in requests(tokenizer)]
    generate(server, rows[0][None], torch.ones_like(rows[0][None]), 2)  # what is imported on first use stays outside

    mixed, mixed_seconds = timed(lambda: one_by_one(server, rows, options.new_tokens), device)
    single, single_seconds = timed(lambda: batched(server, tokenizer, rows, options.new_tokens), device)
    if options.ids:
        options.ids.write_text(json.dumps({"mixed": mixed, "single": single}), encoding="utf-8")
    report(
        device,
        model.dtype,
        **rates(mixed_seconds, single_seconds, options.new_tokens),
        **peaks(device),
    )


if __name__ == "__main__":
    main()
