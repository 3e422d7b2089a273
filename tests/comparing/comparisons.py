"""Folders of comparisons as `capo compare` leaves them, with made-up answers of plausible contenders.

`python -m tests.comparing.comparisons DIR` writes one with its page, to be looked at.
"""

import json
import math
import random
import sys
from pathlib import Path
from typing import Any

LABELS = ["billing", "delivery", "returns", "account"]
WORDS = "my parcel card refund login order late twice invoice address broken money back password never came"
# name, kind, method, how often right, (train s, search s, MB, bytes, added tokens, ms, tokens/s)
DONE: tuple[tuple[Any, ...], ...] = (
    ("zero-shot", "prompting", None, 0.62, (0, 0, 980, 0, 0, 61, 2100)),
    ("few-shot", "prompting", None, 0.74, (0, 9, 1040, 2100, 212, 118, 830)),
    ("nearest-shot", "prompting", None, 0.82, (0, 4, 1060, 48000, 240, 131, 790)),
    ("instruction", "prompting", None, 0.70, (0, 74, 990, 160, 18, 66, 1950)),
    ("calibrated", "prompting", None, 0.68, (0, 6, 980, 120, 0, 61, 2090)),
    ("retrieval", "retrieval", None, 0.66, (0, 2, 1100, 3_200_000, 410, 190, 520)),
    ("hybrid", "ensemble", None, 0.91, (83, 31, 1350, 2_900_000, 240, 139, 760)),
    ("prompt", "training", "prompt", 0.86, (82, 29, 1180, 46_312, 20, 67, 1930)),
    ("lora", "training", "lora", 0.90, (83, 31, 1350, 2_860_000, 0, 68, 1880)),
    ("head", "training", "head", 0.89, (12, 4, 1020, 9_400, 0, 59, 2150)),
    ("full", "training", "full", 0.88, (84, 33, 2900, 538_000_000, 0, 61, 2100)),
    ("ensemble", "ensemble", "prompt", 0.87, (246, 29, 1190, 138_936, 60, 201, 640)),
)
COSTS = (
    *("train_seconds", "search_seconds", "peak_memory_mb", "bytes", "added_tokens", "latency_ms"),
    "tokens_per_second",
)

AUDIT = {  # the record of an audit, as far as a comparison shows it
    "probes": {"lambada_openai": {"title": "LAMBADA"}, "general_text": {"title": "General text"}},
    "adapters": {
        "lora": {
            "skills": {
                "forgetting": {
                    "lambada_openai": {
                        "rows": 40,
                        "scores": {"accuracy": {"change": {"value": -0.05, "low": -0.11, "high": -0.01}}},
                    },
                    "general_text": {
                        "rows": 40,
                        "scores": {"loss": {"change": {"value": 0.021, "low": -0.004, "high": 0.05}}},
                    },
                }
            }
        }
    },
}


def record(rows: int = 200, names: tuple[str, ...] = (), seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """(`compare.json`, answers by contender) before anything was made of them. names: the contenders, left out: all."""
    chance = random.Random(seed)
    truth = [chance.randrange(len(LABELS)) for _ in range(rows)]
    hard = [chance.random() for _ in range(rows)]
    made = [one for one in DONE if not names or one[0] in names]
    answers = {name: _sheet(chance, truth, hard, skill) for name, _, _, skill, _ in made}
    content = {
        "capotasto": "0.1.0",
        "date": "2026-11-21T20:40:00+00:00",
        "base": {
            "name": "smollm2-135m",
            "source": "/models/smollm2",
            "fingerprint": "ab12cd34",
            "dtype": "float32",
            "device": "cpu",
        },
        "data": {
            "path": "data/tickets.csv",
            "hash": "9f8e7d",
            "shape": "text-label",
            "rows": {"train": 600, "val": 100, "test": rows},
            "labels": LABELS,
        },
        "docs": None,
        "metric": "accuracy",
        "lower_is_better": False,
        "settings": {"budget": "20m", "seed": 0},
        "budget_seconds": 1200,
        "seconds": 1107.5,
        "notes": [f"{rows} of 999 test rows were judged, drawn by the seed, because of the budget."],
        "rows": [
            {"prompt": " ".join(chance.choices(WORDS.split(), k=chance.randrange(4, 14))), "wanted": LABELS[true]}
            for true in truth
        ],
        "contenders": [_contender(one, answers[one[0]]) for one in made],
        "curve": _curve(names),
        "audit": None,
        "wizard": None,
    }
    return content, answers


def _sheet(chance: random.Random, truth: list[int], hard: list[float], skill: float) -> dict[str, Any]:
    sheet: dict[str, list[Any]] = {"nats": [], "tokens": [], "chosen": [], "truth": truth, "chances": [], "quality": []}
    for true, difficulty in zip(truth, hard, strict=True):
        right = 0.6 * difficulty + 0.4 * chance.random() < 0.2 + skill * 0.67
        chosen = true if right else (true + chance.randrange(1, len(LABELS))) % len(LABELS)
        raw = [chance.gauss(0, 0.7) for _ in LABELS]
        raw[chosen] = max(raw) + abs(chance.gauss(1.5 * skill, 1))
        total = math.log(sum(map(math.exp, raw)))
        chances = [round(one - total, 5) for one in raw]
        sheet["chosen"].append(chosen)
        sheet["chances"].append(chances)
        sheet["nats"].append(round(-chances[true], 5))
        sheet["tokens"].append(2)
        sheet["quality"].append(int(right))
    return {**sheet, "written": None}


def _contender(one: tuple[Any, ...], sheet: dict[str, Any]) -> dict[str, Any]:
    name, kind, method, _, costs = one
    share = sum(sheet["quality"]) / max(1, len(sheet["quality"]))
    reach = 1.96 * math.sqrt(share * (1 - share) / max(1, len(sheet["quality"])))
    return {
        "name": name,
        "kind": kind,
        "method": method,
        "how": f"What {name} does, in one sentence for people.",
        "status": "done",
        "reason": None,
        "settings": {"lr": 0.003} if method else {},
        "scores": {"accuracy": {"value": share, "low": share - reach, "high": min(1.0, share + reach)}},
        "costs": dict(zip(COSTS, costs, strict=True)),
        "answers": f"contenders/{name}/answers.json",
    }


def _curve(names: tuple[str, ...]) -> list[dict[str, Any]]:
    points = {"lora": ((60, 0.71), (180, 0.84), (600, 0.90)), "head": ((60, 0.80), (180, 0.88), (600, 0.89))}
    return [
        {
            "contender": name,
            "points": [{"rows": rows, "value": v, "low": v - 0.04, "high": v + 0.04} for rows, v in pairs],
        }
        for name, pairs in points.items()
        if not names or name in names
    ]


def unfinished(name: str, status: str, reason: str, kind: str = "retrieval") -> dict[str, Any]:
    """A contender that was skipped or failed."""
    return {
        "name": name,
        "kind": kind,
        "method": None,
        "how": "",
        "status": status,
        "reason": reason,
        "settings": {},
        "scores": {},
        "costs": {},
        "answers": None,
    }


def write(folder: Path, content: dict[str, Any], answers: dict[str, Any]) -> Path:
    """The folder of a comparison; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "compare.json").write_text(json.dumps(content), encoding="utf-8")
    for name, sheet in answers.items():
        place = folder / "contenders" / name
        place.mkdir(parents=True, exist_ok=True)
        (place / "answers.json").write_text(json.dumps(sheet), encoding="utf-8")
    return folder


def main() -> None:
    from capotasto.comparing.conclude import conclude

    content, answers = record()
    content["audit"] = AUDIT
    content["contenders"] += [
        unfinished("bottleneck", "failed", "out of memory at step 3", "training"),
        unfinished("documents", "skipped", "no documents; name a folder with --docs"),
    ]
    conclude(write(Path(sys.argv[1]), content, answers))


if __name__ == "__main__":
    main()
