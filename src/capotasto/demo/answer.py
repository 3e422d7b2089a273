"""`python -m capotasto.demo.answer DIR…`: one mixed batch for the adapters in these folders and the bare base."""

import json
import sys
from typing import Any

from capotasto.demo.run import QUESTIONS
from capotasto.session import DEFAULT_BASE, load_adapter, load_base


def mixed_batch(folders: list[str]) -> list[dict[str, Any]]:
    """Every question put to its specialist and to the bare base, rows alternating, in one batch."""
    base = load_base(DEFAULT_BASE)
    adapters = [load_adapter(folder, base) for folder in folders]
    rows = [(QUESTIONS[adapter.name], who) for adapter in adapters for who in (adapter.name, None)]
    answers = base.generate(
        [question for question, _ in rows], [who for _, who in rows], max_new_tokens=40, repetition_penalty=1.1
    )
    return [
        {"prompt": question, "adapter": who, "answer": answer.strip()}
        for (question, who), answer in zip(rows, answers, strict=True)
    ]


if __name__ == "__main__":
    print(json.dumps(mixed_batch(sys.argv[1:])))
