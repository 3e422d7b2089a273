"""Metrics of written answers against the packages that count them, or against plain counting, on resamples too."""

import random
from collections import Counter

import numpy as np
import pytest
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU, CHRF

from capotasto.evaluate.answers import Answers
from capotasto.evaluate.bootstrap import resamples
from capotasto.evaluate.metrics import METRICS
from capotasto.evaluate.metrics.token_f1 import shared_words

WORDS = ["the", "rain", "in", "a", "north", "shore,", "sun", "on", "it.", "one", "question?", "another", "answer!"]
ROWS = 30


def sentence(chance: random.Random, least: int = 0, most: int = 12) -> str:
    return " ".join(chance.choice(WORDS) for _ in range(chance.randint(least, most)))


def noisy(text: str, chance: random.Random) -> str:
    """Much of the text, so that long runs of words survive here and there; at times twice."""
    words = [word if chance.random() < 0.8 else chance.choice(WORDS) for word in text.split()]
    return " ".join(words * chance.choice([1, 1, 2]))


def answers(references: int, seed: int = 0) -> Answers:
    """Rows of prompts with up to so many references each, mixed, and one answer for each prompt."""
    chance = random.Random(seed)
    prompts = [prompt for prompt in range(ROWS) for _ in range(chance.randint(1, references))]
    chance.shuffle(prompts)
    wanted = [sentence(chance, 1) for _ in prompts]
    first = dict(zip(prompts, wanted, strict=True))
    said = {
        prompt: noisy(text, chance) if chance.random() < 0.8 else sentence(chance) for prompt, text in first.items()
    }
    written = [said[prompt] for prompt in prompts]
    return Answers(written=written, wanted=wanted, prompts=np.array(prompts) if references > 1 else None)


def each_prompt(given: Answers) -> dict[int, tuple[str, list[str]]]:
    """Prompt → what was written and all that was wanted, found the long way."""
    numbers = range(len(given.written)) if given.prompts is None else given.prompts.tolist()
    found: dict[int, tuple[str, list[str]]] = {}
    for number, text, wanted in zip(numbers, given.written, given.wanted, strict=True):
        found.setdefault(number, (text, []))[1].append(wanted)
    return found


def draws(given: Answers) -> tuple[np.ndarray, list[list[tuple[str, list[str]]]]]:
    """Weights, and for each line of them the prompts that it holds, one by one."""
    weights, known = resamples(len(given.written), prompts=given.prompts)[:12], each_prompt(given)
    row = {number: i for i, number in enumerate(given.prompts.tolist() if given.prompts is not None else known)}
    return weights, [[known[n] for n in known for _ in range(int(times[row[n]]))] for times in weights]


def rouge(kind: str, drawn: list[tuple[str, list[str]]]) -> float:
    scorer = RougeScorer([kind])
    return float(np.mean([max(scorer.score(one, text)[kind].fmeasure for one in wanted) for text, wanted in drawn]))


def corpus(metric: object, drawn: list[tuple[str, list[str]]]) -> float:
    most = max(len(wanted) for _, wanted in drawn)
    streams = [[wanted[i] if i < len(wanted) else None for _, wanted in drawn] for i in range(most)]
    return metric.corpus_score([text for text, _ in drawn], streams).score


def repeated(text: str) -> float:
    words = text.split()
    runs = [" ".join(words[i : i + 3]) for i in range(len(words) - 2)]
    return sum(run in runs[:i] for i, run in enumerate(runs)) / len(runs) if runs else 0.0


def ratio(drawn: list[tuple[str, list[str]]]) -> float:
    nearest = [
        sorted((abs(len(one.split()) - len(text.split())), i) for i, one in enumerate(w))[0][1] for text, w in drawn
    ]
    wanted = sum(len(w[i].split()) for (_, w), i in zip(drawn, nearest, strict=True))
    return sum(len(text.split()) for text, _ in drawn) / wanted


EXPECTED = {
    "bleu": lambda drawn: corpus(BLEU(), drawn),
    "chrf": lambda drawn: corpus(CHRF(), drawn),
    "rouge_1": lambda drawn: rouge("rouge1", drawn),
    "rouge_2": lambda drawn: rouge("rouge2", drawn),
    "rouge_l": lambda drawn: rouge("rougeL", drawn),
    "exact_match": lambda drawn: np.mean([text.strip() in [one.strip() for one in wanted] for text, wanted in drawn]),
    "token_f1": lambda drawn: np.mean([max(shared_words(text, one) for one in wanted) for text, wanted in drawn]),
    "mean_words": lambda drawn: np.mean([len(text.split()) for text, _ in drawn]),
    "length_ratio": ratio,
    "repetition": lambda drawn: np.mean([repeated(text) for text, _ in drawn]),
}


@pytest.mark.parametrize("references", [1, 4])
@pytest.mark.parametrize("name", EXPECTED)
def test_a_metric_counts_each_prompt_once_and_as_its_package_does(name: str, references: int) -> None:
    """The first line of weights is the data; every other one is a resample of the prompts."""
    given = answers(references)
    weights, drawn = draws(given)
    found = METRICS[name](given, weights)
    assert found == pytest.approx([EXPECTED[name](one) for one in drawn])
    assert len(set(found.tolist())) > 1


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        (["a b c"], ["a b c"]),
        (["x y z w v"], ["a b c d e"]),
        ([""], ["a b c"]),
        (["a b"], ["a b"]),
        (["a b d e f"], ["a b c"]),
    ],
)
def test_short_and_strange_answers_are_counted_as_sacrebleu_counts_them(written: list[str], wanted: list[str]) -> None:
    """No run of four words, no word in common, nothing written at all."""
    given = Answers(written=written, wanted=wanted)
    assert METRICS["bleu"](given, np.ones((1, 1)))[0] == pytest.approx(BLEU().corpus_score(written, [wanted]).score)
    assert METRICS["chrf"](given, np.ones((1, 1)))[0] == pytest.approx(CHRF().corpus_score(written, [wanted]).score)


@pytest.mark.parametrize(
    ("written", "wanted", "expected"),
    [
        ("The cat.", "a CAT", 1.0),
        ("cat dog", "cat", 2 / 3),
        ("cat cat", "cat", 2 / 3),
        ("dog", "cat", 0.0),
        ("the", "a", 1.0),
        ("", "cat", 0.0),
        ("don't", "dont", 1.0),
        ("theory", "ory", 0.0),
    ],
)
def test_words_in_common_are_counted_without_case_articles_and_punctuation(
    written: str, wanted: str, expected: float
) -> None:
    assert shared_words(written, wanted) == pytest.approx(expected)


@pytest.mark.parametrize("size", [1, 2])
def test_distinct_counts_different_runs_over_all_runs(size: int) -> None:
    """Of each prompt once; resamples keep the scale, so that the interval holds the value."""
    given = answers(3)
    runs: Counter = Counter()
    for text, _ in each_prompt(given).values():
        words = text.split()
        runs.update(tuple(words[i : i + size]) for i in range(len(words) - size + 1))
    values = METRICS[f"distinct_{size}"](given, resamples(len(given.written), prompts=given.prompts))
    assert values[0] == pytest.approx(len(runs) / runs.total())
    low, high = np.quantile(values[1:], [0.025, 0.975])
    assert low < values[0] < high


def test_one_answer_to_everything_is_not_distinct() -> None:
    same, other = (Answers(written=texts, wanted=["x"] * 3) for texts in (["a b"] * 3, ["a b", "c d", "e f"]))
    assert METRICS["distinct_2"](same, np.ones((1, 3)))[0] == pytest.approx(1 / 3)
    assert METRICS["distinct_2"](other, np.ones((1, 3)))[0] == pytest.approx(1)


JSON = [
    ('{"a": 1}', True, True),
    (' {"a": 2}\n', True, True),
    ('{"a": "1"}', True, False),
    ("null", True, False),
    ('Here it is: {"a": 1}', False, False),
    ('{"a": NaN}', False, False),
    ("{", False, False),
    ("", False, False),
    ("[" * 100_000, False, False),
]


@pytest.mark.parametrize(("text", "valid", "conforms"), JSON)
def test_json_is_the_whole_answer_and_follows_its_schema(text: str, valid: bool, conforms: bool) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    given = Answers(written=[text], wanted=["{}"], schema=schema)
    assert METRICS["json_valid"](given, np.ones((1, 1)))[0] == valid
    assert METRICS["json_schema"](given, np.ones((1, 1)))[0] == conforms
