"""`transformers.generate` with input embeddings: 8 rows of 8 tasks in one batch padded on the left, 64 new tokens."""

import torch

from benchmarks.common import arguments, load, peaks, report, timed
from benchmarks.serving import NEW_TOKENS, requests, task_prompts


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--rows", type=int, default=8)
    options = parser.parse_args()

    model, tokenizer, device = load(options)
    table = model.eval().get_input_embeddings()
    prompts = task_prompts(table.get_parameter("weight"), tokenizer, options.seed)[: options.rows].to(device)
    with torch.inference_mode():
        rows = [
            torch.cat([prompt.to(model.dtype), table(torch.tensor(ids, device=device))])
            for prompt, ids in zip(prompts, requests(tokenizer), strict=False)
        ]
        width = max(map(len, rows))
        embeds = torch.stack([torch.nn.functional.pad(row, (0, 0, width - len(row), 0)) for row in rows])
        mask = torch.stack([torch.arange(width, device=device) >= width - len(row) for row in rows]).long()

        def write(tokens: int) -> torch.Tensor:
            return model.generate(
                inputs_embeds=embeds,
                attention_mask=mask,
                max_new_tokens=tokens,
                min_new_tokens=tokens,
                do_sample=False,
            )

        write(2)
        out, seconds = timed(lambda: write(NEW_TOKENS), device)
    report(device, model.dtype, http_tokens_per_second=out.numel() / seconds, **peaks(device))


if __name__ == "__main__":
    main()
