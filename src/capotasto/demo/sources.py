"""The demonstration's data: real text that lies in two wheels of any package index, made into data files.

chatterbot-corpus 1.3.3 (BSD-3-Clause, https://github.com/gunthercox/chatterbot-corpus): questions and answers by topic.
inspirational-quotes 0.0.16 (MIT, https://pypi.org/project/inspirational-quotes/): quotes with their authors.
"""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from capotasto import wheels
from capotasto.records import write_text

CORPUS = ("chatterbot-corpus", "1.3.3", "86de5300afb9a80826386339d3bec79c0a72eb0358abb8327e2ecef5ae0ce154")
QUOTES = ("inspirational-quotes", "0.0.16", "e1ab7789ffbd5f8bb983708781fe4d779652b1e6deb40566b5dca542b83ece48")
TOPICS = (
    *("ai", "botprofile", "coding", "computers", "conversations", "emotion", "food", "gossip", "greetings", "health"),
    *("history", "humor", "literature", "money", "movies", "politics", "psychology", "science", "sports"),
    *("tech_support", "trivia"),
)
TECHNICAL = ("tech_support", "computers", "coding", "ai")  # tech_support alone repeats ten questions 1,050 times
RARE = 20  # topics with fewer different first utterances are left out
ONE_LINE = 160  # characters


def write_data(folder: Path) -> dict[str, Path]:
    """Fetch the wheels and write support.jsonl, topics.jsonl and quotes.jsonl."""
    corpus = {topic: _conversations(topic) for topic in TOPICS}
    made = {"support": _support(corpus), "topics": _topics(corpus), "quotes": _quotes()}
    paths = {name: folder / f"{name}.jsonl" for name in made}
    for name, rows in made.items():
        write_text(paths[name], "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return paths


def _conversations(topic: str) -> list[list[str]]:
    path = wheels.member(*CORPUS, f"chatterbot_corpus/data/english/{topic}.yml")
    loaded = yaml.safe_load(path.read_text(encoding="utf-8"))["conversations"]
    return [[str(turn).strip() for turn in turns] for turns in loaded]


def _support(corpus: dict[str, list[list[str]]]) -> Iterable[dict[str, Any]]:
    """Technical questions with one-line answers."""
    for topic in TECHNICAL:
        for question, answer, *_ in (turns for turns in corpus[topic] if len(turns) > 1):
            if len(answer) <= ONE_LINE and "\n" not in answer:
                yield {"question": question, "answer": answer}


def _topics(corpus: dict[str, list[list[str]]]) -> Iterable[dict[str, Any]]:
    """First utterances, each with the topic of its file."""
    rows = [(turns[0], topic.replace("_", " ")) for topic, talks in corpus.items() for turns in talks if turns]
    common = Counter(topic for _, topic in dict.fromkeys(rows))
    return [{"text": text, "topic": topic} for text, topic in rows if text and common[topic] >= RARE]


def _quotes() -> Iterable[dict[str, Any]]:
    path = wheels.member(*QUOTES, "inspirational_quotes/quotes.json")
    for quote in json.loads(path.read_text(encoding="utf-8")):
        author = (quote.get("from") or "").strip() or "an unknown author"
        yield {"question": f"Give me an inspirational quote by {author}.", "answer": quote["text"].strip()}
