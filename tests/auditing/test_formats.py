"""Each format is read as its authors mean it; every metric is counted by hand."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from capotasto.auditing import PROBES
from capotasto.auditing.agreement import overlap
from capotasto.auditing.files import spread
from capotasto.auditing.general_text import pieces
from capotasto.auditing.likelihood import Scores
from capotasto.auditing.probe import AbsentError, Comparison, Item, Tally
from capotasto.errors import DataError
from tests.auditing.making import bbq, write_probes
from tests.refusing import refused

DATA = Path(os.environ.get("CAPO_DATA", "/no/such/folder"))


def scores(*nats: float, tokens: float = 1, greedy: bool = False) -> Scores:
    return Scores(np.array(nats), np.full(len(nats), tokens), np.array([greedy] * len(nats)))


def value(tally: Tally) -> float:
    return float(tally.top.sum() / tally.bottom.sum())


def texts(item: Item) -> list[tuple[str, str, str]]:
    return [(one.context, one.text, one.mark) for one in item.candidates]


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("lambada_openai", [("the rain in the rain and", " rain", "right")]),
        ("arc_easy", [("Question: Which word is rain?\nAnswer:", " rain", "right"),
                      ("Question: Which word is rain?\nAnswer:", " none", "wrong"),
                      ("Question: Which word is rain?\nAnswer:", " all of them", "wrong")]),
        ("piqa", [("Question: rain\nAnswer:", " rain it", "right"), ("Question: rain\nAnswer:", " no", "wrong")]),
        ("openbook_qa", [("The rain eats", " it", "wrong"), ("The rain eats", " grass", "right"),
                         ("The rain eats", " him", "wrong")]),
        ("winogrande", [("The rain and the sun, but the rain", " is far.", "wrong"),
                        ("The rain and the sun, but the sun", " is far.", "right")]),
        ("hellaswag", [("Rowing: The rain goes. Then it", " stops.", "right"),
                       ("Rowing: The rain goes. Then it", " rows on.", "wrong"),
                       ("Rowing: The rain goes. Then it", " sings aloud.", "wrong")]),
        ("crows_pairs", [("", "The rain, he is poor.", "stereotype"), ("", "The rain, he is rich.", "counterpart")]),
        ("winobias", [("", "The rain rests because he is tired.", "stereotype"),
                      ("", "The rain rests because she is tired.", "counterpart")]),
        ("stereoset", [("I met the rain.", " The rain is loud.", "stereotype"),
                       ("I met the rain.", " The rain is mild.", "anti-stereotype"),
                       ("I met the rain.", " Tin cups.", "unrelated")]),
        ("truthfulqa", [("Q: What is rain?\nA:", " rain is a word", "best"),
                        ("Q: What is rain?\nA:", " rain is a king", "false"),
                        ("Q: What is rain?\nA:", " rain is a fish", "false"),
                        ("Q: What is rain?\nA:", " rain means something", "true")]),
        ("agreement", [("Q: What is rain?\nA:", "", "")]),
    ],
)  # fmt: skip
def test_what_is_asked(probes: Path, name: str, first: list[tuple[str, str, str]]) -> None:
    items = PROBES[name].items(probes, 3)
    assert len(items) == 3
    assert texts(items[0]) == first


def test_groups(probes: Path) -> None:
    def groups(name: str) -> set[str]:
        return {group for item in PROBES[name].items(probes, 99) for group in item.groups}

    assert groups("crows_pairs") == {"age", "race-color"}
    assert groups("winobias") == {"type 1", "type 2"}
    assert groups("stereoset") == {"gender", "profession"}
    assert groups("bbq") == {"ambiguous", "disambiguated", "Age"}
    assert groups("arc_easy") == set()


def test_a_sentence_of_stereoset_stands_alone_or_behind_another(probes: Path) -> None:
    items = PROBES["stereoset"].items(probes, 99)
    assert [item.candidates[0].context for item in items[11:13]] == ["I met the eight.", ""]
    assert items[12].candidates[0].text == "The rain is loud."


def test_general_text_is_cut_between_words_and_none_is_lost() -> None:
    text = "one two three four five six seven"
    assert pieces(text, 9) == ["one two three", "four five", "six seven"]
    assert " ".join(pieces(text, 5)).split() == text.split()
    assert pieces(" \n \n", 2) == []


def test_rows_are_spread_over_the_file() -> None:
    assert spread(range(10), 4) == [0, 2, 5, 7]
    assert spread(range(3), 9) == [0, 1, 2]


def tallies(name: str, probes: Path, answers: list[Any]) -> dict[str, float]:
    items = PROBES[name].items(probes, len(answers))
    found = PROBES[name].tallies(items, answers)
    assert tuple(found) == PROBES[name].metrics
    return {metric: value(tally) for metric, tally in found.items()}


def test_a_choice_is_made_by_likelihood_and_by_likelihood_for_its_length(probes: Path) -> None:
    """Of choices of 4 or 5, 4 and 11 bytes the first is right and likeliest, the third so for its length."""
    found = tallies("arc_easy", probes, [scores(4.5, 8, 9)] * 2)
    assert PROBES["arc_easy"].items(probes, 2)[1].marks[0] == "right"
    assert found == {"accuracy": 1.0, "accuracy_per_byte": 0.0}
    assert tallies("winogrande", probes, [scores(3, 2), scores(2, 3)]) == {"accuracy": 0.5}


def test_lambada_counts_words_that_would_be_written(probes: Path) -> None:
    answers = [scores(2, tokens=1, greedy=True), scores(6, tokens=3), scores(4, tokens=2)]
    assert tallies("lambada_openai", probes, answers) == {"accuracy": pytest.approx(1 / 3), "loss": 2.0}


def test_the_loss_of_general_text_is_over_tokens_not_rows(probes: Path) -> None:
    assert tallies("general_text", probes, [scores(2, tokens=1), scores(4, tokens=5)]) == {"loss": 1.0}


def test_pairs_count_the_likelier_side_and_how_far_it_leans(probes: Path) -> None:
    found = tallies("crows_pairs", probes, [scores(1, 3), scores(5, 1), scores(2, 2)])
    assert found == {"stereotyped": 0.5, "leaning": pytest.approx(-2 / 3)}


def test_stereoset_compares_means_over_tokens(probes: Path) -> None:
    answers = [Scores(np.array([2.0, 3.0, 9.0]), np.array([1, 3, 2])), scores(1, 2, 1.5)]
    assert tallies("stereoset", probes, answers) == {"stereotyped": 0.5, "meaningful": 0.75}


def test_truthfulqa(probes: Path) -> None:
    """Candidates are best, false, false and true."""
    thirds = scores(*-np.log([0.3, 0.2, 0.1, 0.4]))
    wrong = scores(*-np.log([0.1, 0.2, 0.1, 0.1]))
    assert tallies("truthfulqa", probes, [thirds, wrong]) == {"mc1": 0.5, "mc2": pytest.approx((0.7 + 0.4) / 2)}


def test_bbq_counts_answers_that_name_somebody(probes: Path, tmp_path: Path) -> None:
    """A bad thing asked for: the elder follows the stereotype. A good one: the youth does."""
    rows = [
        bbq(0, "neg", "ambig", 2), bbq(1, "nonneg", "ambig", 2), bbq(2, "neg", "disambig", 1),
        bbq(3, "neg", "ambig", 2), bbq(4, "neg", "ambig", 2, ["someone else"]), bbq(5, "neg", "ambig", 2, ["OLD"]),
    ]  # fmt: skip
    path = tmp_path / "bbq.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    items = PROBES["bbq"].items(tmp_path, 9)
    elder, youth, unknown = scores(2, 1, 3), scores(1, 2, 3), scores(3, 2, 1)
    found = PROBES["bbq"].tallies(items, [elder, youth, youth, unknown, elder, elder])
    assert value(found["accuracy"]) == pytest.approx(1 / 6)
    assert found["stereotyped"].bottom.tolist() == [1, 1, 1, 0, 0, 1], "neither unknown nor untold"
    assert found["stereotyped"].top.tolist() == [1, 1, 0, 0, 0, 1]


def test_the_groups_of_bbq_go_by_several_names(tmp_path: Path) -> None:
    row = bbq(0, "neg", "ambig", 2, ["F"])
    row["answer_info"] |= {"ans0": ["Bo", "man"], "ans1": ["Di", "woman"]}
    (tmp_path / "bbq.jsonl").write_text(json.dumps(row) + "\n")
    [item] = PROBES["bbq"].items(tmp_path, 1)
    assert item.marks == ["wrong counterpart", "wrong stereotype", "right "]


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [("a b", "a b", 1.0), ("A b", "a c", 0.5), ("", "", 1.0), ("a", "", 0.0), ("a a", "a", 2 / 3)],
)
def test_overlap(one: str, other: str, shared: float) -> None:
    assert overlap(one, other) == pytest.approx(shared)


FAULTS = [
    ("arc_easy", "arc_easy.jsonl", '{"query": "a", "choices": ["b"]}', ["arc_easy.jsonl:1", "it has no 'gold'"]),
    ("arc_easy", "arc_easy.jsonl", '{"query": "a", "choices": ["b"], "gold": 3}', ["candidate 3 of 1", "audit.md"]),
    ("arc_easy", "arc_easy.jsonl", '{"query": 1, "choices": ["b"], "gold": 0}', ["is not in the format"]),
    ("piqa", "piqa.jsonl", "{", ["piqa.jsonl:1", "not valid JSON"]),
    ("hellaswag", "hellaswag.jsonl", '{"ctx_a": "a"}', ["it has no 'activity_label'"]),
    ("stereoset", "stereoset/dev.json", "[]", ["dev.json has no `data`"]),
    ("stereoset", "stereoset/dev.json", '{"data": {"intrasentence": [{}]}}', ["data.intrasentence[0]", "'sentences'"]),
    ("truthfulqa", "mc_task.json", '[{"question": "a", "mc1_targets": {"b": 1}, "mc2_targets": {}}]', ["a false one"]),
    ("winobias", "winobias/anti_stereotyped_type1.txt.test", "1 a\n", ["has 12 lines", "1; take both"]),
    ("crows_pairs", "crows_pairs_anonymized.csv", "a,b\n1,2\n", ["it has no 'sent_more'"]),
    ("bbq", "bbq/Age.jsonl", '{"context": "a"}', ["Age.jsonl:1", "'question'"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "file", "content", "words"), FAULTS)
def test_a_file_in_another_format_is_named(
    tmp_path: Path, name: str, file: str, content: str, words: list[str]
) -> None:
    (write_probes(tmp_path) / file).write_text(content)
    with refused(*words, kind=DataError):
        PROBES[name].items(tmp_path, 5)


@pytest.mark.parametrize("name", [name for name in PROBES if isinstance(PROBES[name], Comparison)])
def test_an_absent_file_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(AbsentError, match=f"no .* in {tmp_path}$"):
        PROBES[name].items(tmp_path, 5)


def test_half_of_winobias_is_absent(tmp_path: Path) -> None:
    (write_probes(tmp_path) / "winobias" / "anti_stereotyped_type2.txt.test").unlink()
    with pytest.raises(AbsentError, match=r"no anti_stereotyped_type2\.txt\.test beside"):
        PROBES["winobias"].items(tmp_path, 5)


REAL = ["general_text", "lambada_openai", "hellaswag", "arc_easy", "piqa", "openbook_qa", "winogrande", "crows_pairs",
        "winobias", "truthfulqa", "agreement"]  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_the_real_files_are_read_whole(name: str) -> None:
    try:
        items = PROBES[name].items(DATA, 10_000)
    except AbsentError as reason:
        pytest.skip(f"{reason}; set CAPO_DATA")
    assert len(items) >= 500
    assert all("right" in item.marks for item in items if "wrong" in item.marks)
