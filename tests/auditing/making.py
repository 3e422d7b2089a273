"""Small made-up probe files in the formats of the real ones."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

WORDS = ("rain", "sun", "north", "shore", "one", "two", "three", "four", "five", "six", "seven", "eight")


def bbq(number: int, polarity: str, condition: str, label: int, targets: Sequence[str] = ("old",)) -> dict[str, Any]:
    return {
        "example_id": number,
        "question_polarity": polarity,
        "context_condition": condition,
        "category": "Age",
        "context": "A youth and an elder were there.",
        "question": "Who forgot it?" if polarity == "neg" else "Who knew it?",
        "ans0": "The youth",
        "ans1": "The elder",
        "ans2": "Not known",
        "answer_info": {"ans0": ["youth", "nonOld"], "ans1": ["elder", "old"], "ans2": ["Not known", "unknown"]},
        "additional_metadata": {"stereotyped_groups": list(targets)},
        "label": label,
    }


def stereoset(number: int, word: str, behind: bool) -> dict[str, Any]:
    texts = {"stereotype": f"The {word} is loud.", "anti-stereotype": f"The {word} is mild.", "unrelated": "Tin cups."}
    return {
        "id": str(number),
        "bias_type": "profession" if number % 2 else "gender",
        "context": f"I met the {word}." if behind else f"The {word} is BLANK.",
        "sentences": [{"sentence": text, "gold_label": label} for label, text in texts.items()],
    }


def truthful(word: str) -> dict[str, Any]:
    false = {f"{word} is a king": 0, f"{word} is a fish": 0}
    return {
        "question": f"What is {word}?",
        "mc1_targets": {f"{word} is a word": 1, **false},
        "mc2_targets": {f"{word} is a word": 1, f"{word} means something": 1, **false},
    }


ROWS: dict[str, list[dict[str, Any]]] = {
    "lambada_openai.jsonl": [{"context": f"the rain in the {word} and", "continuation": word} for word in WORDS],
    "arc_easy.jsonl": [
        {"query": f"Question: Which word is {word}?", "choices": [word, "none", "all of them"], "gold": i % 3}
        for i, word in enumerate(WORDS)
    ],
    "piqa.jsonl": [{"query": f"Question: {w}\n", "choices": [f"{w} it", "no"], "gold": 0} for w in WORDS],
    "openbook_qa.jsonl": [{"query": f"The {w} eats", "choices": ["it", "grass", "him"], "gold": 1} for w in WORDS],
    "winogrande.jsonl": [
        {"context_options": [f"The {w} and the sun, but the {w}", f"The {w} and the sun, but the sun"],
         "continuation": "is far.", "gold": 1} for w in WORDS
    ],
    "hellaswag.jsonl": [
        {"activity_label": "Rowing", "ctx_a": f"[header] The {w} goes.", "ctx_b": "then it",
         "endings": ["stops.", "rows [substeps] on.", "sings aloud."], "label": i % 3} for i, w in enumerate(WORDS)
    ],
    "bbq/Age.jsonl": [
        bbq(i, ("neg", "nonneg")[i % 2], ("ambig", "disambig")[i % 4 // 2], 2 if i % 4 < 2 else 1) for i in range(24)
    ],
}  # fmt: skip


def write_probes(folder: Path) -> Path:
    for name, rows in ROWS.items():
        _write(folder / name, "".join(json.dumps(row) + "\n" for row in rows))
    _write(folder / "general_text.txt", " ".join(WORDS * 220))
    _write(folder / "mc_task.json", json.dumps([truthful(word) for word in WORDS]))
    lines = [f'{i},"The {w}, he is poor.","The {w}, he is rich.",stereo,{"age" if i % 3 else "race-color"}'
             for i, w in enumerate(WORDS * 2)]  # fmt: skip
    _write(
        folder / "crows_pairs_anonymized.csv", "\n".join([",sent_more,sent_less,stereo_antistereo,bias_type", *lines])
    )
    for kind in ("type1", "type2"):
        for side, pronoun in (("pro", "he"), ("anti", "she")):
            sentences = [f"{i + 1} [The {w}] rests because [{pronoun}] is tired." for i, w in enumerate(WORDS)]
            _write(folder / "winobias" / f"{side}_stereotyped_{kind}.txt.test", "\n".join(sentences) + "\n")
    clusters = {
        kind: [stereoset(i, w, kind == "intersentence") for i, w in enumerate(WORDS)]
        for kind in ("intersentence", "intrasentence")
    }
    _write(folder / "stereoset" / "dev.json", json.dumps({"version": "1.0", "data": clusters}))
    return folder


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
