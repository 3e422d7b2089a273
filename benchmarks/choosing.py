"""Text → label rows, each a dialogue in the base's chat template: what every side of the comparison trains on."""

import csv
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedTokenizerBase

from benchmarks.common import data_file
from benchmarks.texts import IGNORED


@dataclass(frozen=True)
class Row:
    """One text with its gold label."""

    text: str
    label: str


def banking77() -> tuple[list[Row], list[Row]]:
    """Training rows, and 100 drawn test rows; 77 intents."""
    train, test = (_banking(part) for part in ("train", "test"))
    return train, random.Random(0).sample(test, 100)


def _banking(part: str) -> list[Row]:
    text = data_file(f"banking77/{part}.csv").read_text(encoding="utf-8")
    return [Row(row["text"], row["category"].replace("_", " ")) for row in csv.DictReader(text.splitlines())]


def sms_spam() -> tuple[list[Row], list[Row]]:
    """Training rows, and 200 drawn test rows; ham or spam. Repeated messages count once."""
    lines = data_file("sms_spam/sms.tsv").read_text(encoding="utf-8").splitlines()
    rows = [Row(text, label) for label, text in (line.split("\t", 1) for line in dict.fromkeys(lines))]
    random.Random(0).shuffle(rows)
    return rows[200:], rows[:200]


def emotions() -> tuple[list[Row], list[Row]]:
    """Training rows of task 875 of Natural Instructions, and its development rows; six emotions."""
    folder = "natural_instructions/task875_emotion_classification"
    train, test = (json.loads(data_file(f"{folder}/{part}.json").read_text())["Instances"] for part in ("train", "dev"))
    return [_emotion(row) for row in train], [_emotion(row) for row in test]


def _emotion(row: dict[str, Any]) -> Row:
    output = row["output"]
    return Row(row["input"], output if isinstance(output, str) else output[0])


DATA: dict[str, Callable[[], tuple[list[Row], list[Row]]]] = {
    "banking77": banking77,
    "sms_spam": sms_spam,
    "task875": emotions,
}


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
