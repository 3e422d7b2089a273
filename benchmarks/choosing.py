"""Text → label as a dialogue in the base's chat template: the encoding that every side of the comparison trains on."""

import json
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from benchmarks.texts import IGNORED


@dataclass(frozen=True)
class Row:
    """One text with its gold label."""

    text: str
    label: str


def read(path: Path) -> list[Row]:
    """Rows of a JSON-lines file with the keys `text` and `label`."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Row(str(row["text"]), str(row["label"])) for row in map(json.loads, lines)]


def prompt_ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """The dialogue up to where the assistant begins to speak."""
    turns = [{"role": "user", "content": text}]
    rendered = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    return tokenizer(rendered, add_special_tokens=False)["input_ids"]


def label_ids(tokenizer: PreTrainedTokenizerBase, label: str) -> list[int]:
    """The label and the end of the turn."""
    return [*tokenizer(label, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]


def encode(tokenizer: PreTrainedTokenizerBase, row: Row) -> tuple[list[int], list[int]]:
    """Ids, and labels that supervise the completion alone."""
    before, after = prompt_ids(tokenizer, row.text), label_ids(tokenizer, row.label)
    return before + after, [IGNORED] * len(before) + after
