"""What the patterns for personal data find: of made-up rows, kind by kind, and in passages marked as sensitive."""

import json
from collections import Counter

import torch

from benchmarks.common import arguments, data_file, report, timed
from benchmarks.made_up import rows
from capotasto.auditing.personal import KINDS, find

PASSAGES = "enterprise_pii/enterprise_pii_classification.jsonl"


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--rows", type=int, default=200, help="of each form")
    options = parser.parse_args()
    device = torch.device("cpu")
    made = rows(options.rows, options.seed)
    found, seconds = timed(lambda: [[(one.kind, one.text) for one in find(text)] for text, _ in made], device)
    report(
        device,
        torch.float32,
        **_rates([truth for _, truth in made], found),
        characters_a_second=sum(len(text) for text, _ in made) / seconds,
        **_passages(),
    )


def _rates(wanted: list[list[tuple[str, str]]], found: list[list[tuple[str, str]]]) -> dict[str, float]:
    """The precision and recall of each kind: found whole, as that kind."""
    right, told, there = Counter[str](), Counter[str](), Counter[str]()
    for truth, said in zip(wanted, found, strict=True):
        there.update(kind for kind, _ in truth)
        told.update(kind for kind, _ in said)
        right.update(kind for kind, text in said if (kind, text) in truth)
    precision = {f"{kind}, precision": right[kind] / max(1, told[kind]) for kind in KINDS}
    return precision | {f"{kind}, recall": right[kind] / there[kind] for kind in KINDS}


def _passages() -> dict[str, float]:
    """Passages marked as sensitive, or not, in which something was found."""
    lines = data_file(PASSAGES).read_text(encoding="utf-8").splitlines()
    times: Counter[tuple[int, bool]] = Counter()
    for row in map(json.loads, lines):
        times[row["gold"], bool(find(row["query"].split("'''")[1]))] += 1
    return {
        "sensitive passages": times[1, True] + times[1, False],
        "sensitive passages with a find": times[1, True],
        "other passages": times[0, True] + times[0, False],
        "other passages with a find": times[0, True],
    }


if __name__ == "__main__":
    main()
