"""Ask vLLM with a soft prompt: `python prompt_embeds.py http://127.0.0.1:8000 MODEL "My parcel is late."`

`capo export --to vllm-embeds` writes this file. It stands by itself and reads the files beside it.
"""

import base64
import io
import json
import sys
import urllib.request
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

HERE = Path(__file__).resolve().parent
WEIGHTS, PAPERS, KEY = "virtual_tokens.safetensors", "prompt.json", "prompt_embeds"
_MARK = "\u2063virtual tokens\u2063"


@cache
def papers() -> dict[str, Any]:
    """Where the vectors stand in a prompt, and on which base."""
    return json.loads((HERE / PAPERS).read_text(encoding="utf-8"))


@cache
def _tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(papers()["base"])


@cache
def _embedding() -> Any:
    """The base's input embedding. The weights are mapped from the disk, so the rest of them is never read."""
    model: Any = AutoModelForCausalLM.from_pretrained(papers()["base"], dtype="auto", use_safetensors=True)
    return model.get_input_embeddings()


def rendered(text: str) -> tuple[str, str]:
    """The whole prompt in its chat template: what stands before the virtual tokens, and what behind."""
    tokenizer, dialogue = _tokenizer(), papers()["dialogue"]
    if dialogue is False or (dialogue is None and not tokenizer.chat_template):
        return "", text
    if not tokenizer.chat_template:
        return "", text + "\n"
    turns = [{"role": "user", "content": text}]
    if papers()["placement"] == "system":
        turns.insert(0, {"role": "system", "content": _MARK})
    whole = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    before, mark, behind = whole.partition(_MARK)
    return (before, behind) if mark and papers()["placement"] == "system" else ("", whole)


def ids(text: str) -> tuple[list[int], list[int]]:
    """The token ids before the virtual tokens, and those behind."""
    tokenizer, placement = _tokenizer(), papers()["placement"]
    before, behind = (list(tokenizer(part, add_special_tokens=False)["input_ids"]) for part in rendered(text))
    bos = [tokenizer.bos_token_id]
    written = tokenizer("a")["input_ids"][:1] == bos  # this tokenizer begins every text with it
    if written and (before + behind)[:1] != bos:
        before, behind = (bos + before, behind) if placement == "system" else (before, bos + behind)
    if placement == "after_bos" and behind[:1] == bos:
        before, behind = bos, behind[1:]
    return before, behind


@torch.no_grad()
def row(text: str) -> torch.Tensor:
    """The whole prompt as input embeddings [P + T, E]."""
    before, behind = (_embedding()(torch.tensor(part, dtype=torch.long)) for part in ids(text))
    return torch.cat([before, load_file(HERE / WEIGHTS)[KEY].to(behind), behind])


def encoded(embeds: torch.Tensor) -> str:
    """What vLLM takes as `prompt_embeds`: the saved tensor in base64."""
    file = io.BytesIO()
    torch.save(embeds.clone(), file)  # a view would take its whole storage with it
    return base64.b64encode(file.getvalue()).decode("ascii")


def ask(url: str, model: str, text: str, max_tokens: int = 50) -> str:
    """The greedy answer of a vLLM server to one question."""
    body = {"model": model, "prompt_embeds": encoded(row(text)), "max_tokens": max_tokens, "temperature": 0}
    request = urllib.request.Request(
        f"{url.rstrip('/')}/v1/completions",
        json.dumps({**body, "stop_token_ids": papers()["stops"]}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return str(json.load(answer)["choices"][0]["text"])


if __name__ == "__main__":
    print(ask(sys.argv[1], sys.argv[2], sys.argv[3]))
