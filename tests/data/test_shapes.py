"""Rows of every shape become the right turns, and what is not understood is said, not guessed."""

import json

import pytest

from capotasto.data import load
from capotasto.data.rows import Row, RowError
from capotasto.data.shapes import SHAPES, shape
from capotasto.errors import DataError
from capotasto.types import Turn
from tests.refusing import refused

ASKED, ANSWERED = Turn("user", "q"), Turn("assistant", "a", learn=True)
SYSTEM = Turn("system", "s")

ROWS = {
    "messages": (
        {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}]
         + [{"role": "assistant", "content": "a"}] * 2 + [{"role": "user", "content": "bye"}]},
        (SYSTEM, ASKED, ANSWERED, ANSWERED),
    ),
    "sharegpt": (
        {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}], "system": "s"},
        (SYSTEM, ASKED, ANSWERED),
    ),
    "alpaca": (
        {"instruction": "q", "input": "i", "output": "a", "system": "s"},
        (SYSTEM, Turn("user", "q\n\ni"), ANSWERED),
    ),
    "prompt_completion": ({"Question": "q", "answer": ["a", "b"]}, (ASKED, ANSWERED)),
    "text_label": ({"text": "q", "Category": " a "}, (ASKED, ANSWERED)),
    "text_labels": ({"text": "q", "tags": [" x", "y", "x", ""]}, (ASKED, Turn("assistant", "x, y", learn=True))),
    "text_score": ({"text": "q", "Rating": 2.5}, (ASKED, Turn("assistant", "2.5", learn=True))),
    "text": ({"content": "t"}, (Turn("text", "t", learn=True),)),
}  # fmt: skip


def saved(tmp_path, rows, name="f.jsonl"):
    path = tmp_path / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.mark.parametrize("name", SHAPES)
def test_row_becomes_turns(name):
    values, turns = ROWS[name]
    form = shape(name)
    example = form.example(Row(values, "f:7"), form.fit(values))
    assert example.turns == turns
    assert example.place == "f:7"
    assert example.label == ("a" if name == "text_label" else None)
    assert example.labels == (("x", "y") if name == "text_labels" else None)
    assert example.scores == ((2.5,) if name == "text_score" else None)


@pytest.mark.parametrize("name", SHAPES)
def test_first_shape_that_matches_is_the_right_one(name):
    assert next(known for known in SHAPES if shape(known).matches(ROWS[name][0])) == name


@pytest.mark.parametrize("name", SHAPES)
def test_missing_needed_column_does_not_match(name):
    values = ROWS[name][0]
    for column in shape(name).fit(values).values():
        rest = [other for other in values if other != column]
        needed = column in [shape(name).fit(values)[key] for key in shape(name).needs]
        assert shape(name).matches(rest) is not needed


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (["mr", "ref"], "prompt_completion"),
        (["MR", "human reference"], "prompt_completion"),
        (["instruction", "context", "response", "category"], "alpaca"),
        (["text", "source", "id"], "text"),
        (["text", "answer"], "prompt_completion"),  # not plain text with its answer left out
        (["prompt", "messages"], "messages"),
        (["act", "prompt"], None),
        (["question", "category"], None),
    ],
)
def test_detection_by_names(columns, expected):
    assert next((known for known in SHAPES if shape(known).matches(columns)), None) == expected


@pytest.mark.parametrize(("value", "text"), [(42, "42"), (1.5, "1.5"), (True, "true"), ("  x ", "  x "), ([7, 8], "7")])
def test_completions_that_are_not_strings(value, text):
    form = shape("prompt_completion")
    row = Row({"prompt": "q", "answer": value}, "f:1")
    assert form.example(row, form.fit(row.values)).completion == text


@pytest.mark.parametrize(
    ("name", "values", "reason", "empty"),
    [
        ("prompt_completion", {"prompt": "q", "answer": " "}, "column 'answer' is empty", True),
        ("prompt_completion", {"prompt": "q", "answer": []}, "column 'answer' is empty", True),
        ("prompt_completion", {"prompt": None, "answer": "a"}, "column 'prompt' is empty", True),
        ("prompt_completion", {"prompt": {}, "answer": "a"}, "column 'prompt' holds a dict where text is exp", False),
        ("text", {"text": float("nan")}, "column 'text' is empty", True),
        ("text", {"text": "\ud83d"}, "column 'text' holds half a character", False),
        ("messages", {"messages": []}, "column 'messages' is empty", True),
        ("messages", {"messages": "hi"}, "column 'messages' holds a str where a list of messages is expected", False),
        ("messages", {"messages": [{"role": "user", "content": "q"}]}, "'messages' has no assistant turn", False),
        ("messages", {"messages": [{"role": "tool", "content": "q"}]}, "message 1 has the unknown 'role' 'tool'; "
         "known: system, user, assistant", False),
        ("messages", {"messages": [{"from": "gpt", "value": "q"}]}, "message 1 has no 'role'; a message is", False),
        ("messages", {"messages": [{"role": "user", "content": None}]}, "message 1 (user) is empty", True),
        ("sharegpt", {"conversations": [{"from": "function_call", "value": "{}"}]},
         "message 1 has the unknown 'from' 'function_call'; known: system, human, user, gpt, assistant", False),
    ],
)  # fmt: skip
def test_row_that_does_not_fit(name, values, reason, empty):
    form = shape(name)
    with pytest.raises(RowError) as caught:
        form.example(Row(values, "f.csv:3"), form.fit(values))
    assert str(caught.value).startswith("f.csv:3: ")
    assert reason in str(caught.value)
    assert caught.value.bad.empty is empty


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [
        ({"text": "b"}, "text"),
        ({"text": "b", "label": "c"}, "text_label"),
        ({"completion": "b", "prompt": "c"}, "prompt_completion"),
        ({"instruction": "b", "output": "c", "input": "prompt"}, "alpaca"),
    ],
)
def test_mapping_keys_choose_the_shape_over_detection(tmp_path, mapping, expected):
    rows = [{"prompt": f"p{i}", "answer": "a", "b": f"b{i}", "c": f"c{i}"} for i in range(3)]
    path = saved(tmp_path, rows)
    assert load(path).shape == "prompt_completion"
    found = load(path, mapping)
    assert (found.shape, found.mapping) == (expected, mapping)


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"text": "bodi"}, ["no column 'bodi'", "did you mean 'body'?", "act, body, prompt"]),
        ({"prompt": "act"}, ["has the keys prompt", "prompt=COLUMN completion=COLUMN", "messages=COLUMN"]),
        ({"text": "act", "lable": "body"}, ["text, lable", "text=COLUMN label=COLUMN"]),
        ({"prompt": "act", "completion": "act"}, ["column 'act'", "twice", "its own column"]),
    ],
)
def test_bad_mapping(tmp_path, mapping, words):
    path = saved(tmp_path, [{"act": "x", "prompt": "y", "body": "z"}])
    with refused(*words, path, kind=DataError):
        load(path, mapping)


@pytest.mark.parametrize(
    ("row", "lines"),
    [
        ({"act": "x", "prompt": "yy"}, ["--map text=prompt", "--map prompt=act --map completion=prompt"]),
        ({"question": "yy", "category": "x"}, ["--map text=question", "--map text=question --map label=category"]),
        ({"my text": "x", "n": 3}, ["--map text='my text' to continue a text"]),
    ],
)
def test_unknown_columns_suggest_a_mapping_that_works(tmp_path, row, lines):
    with pytest.raises(DataError) as caught:
        load(saved(tmp_path, [row]))
    message = str(caught.value)
    assert f"({', '.join(row)})" in message
    assert all(line in message for line in lines)


@pytest.mark.parametrize("swapped", [False, True])
def test_unnamed_label_and_text(tmp_path, swapped):
    pairs = [("ham", "see you at six"), ("spam", "win a prize now"), ("ham", "on my way"), ("spam", "free money")]
    path = tmp_path / "sms.tsv"
    path.write_text("".join("\t".join(pair[::-1] if swapped else pair) + "\n" for pair in pairs))
    found = load(str(path))
    assert found.shape == "text_label"
    assert found.labels == ["ham", "spam"]
    assert found.examples[0].prompt == "see you at six"


def test_unnamed_columns_are_not_guessed_otherwise(tmp_path):
    path = tmp_path / "f.tsv"
    path.write_text(f"{'long ' * 20}\tone\nshort\ttwo\n")
    with pytest.raises(DataError, match=r"\(column_1, column_2\).*--map prompt=column_1 --map completion=column_2"):
        load(str(path))


DETECTED = {
    "two columns and numbers": ("text,score\na b,1\nc d,2.5\n", "text_score", ["score"]),
    "a third column": ("text,score,user\na b,1,u\nc d,2.5,v\n", "text", []),
    "scores that are no numbers": ("text,score\na b,1\nc d,good\n", "text", []),
    "labels that hardly repeat and are numbers": ("text,label\na,1\nb,2.5\nc,-3e1\n", "text_score", ["label"]),
    "labels that repeat and are numbers": ("text,label\na,1\nb,2\nc,1\nd,2\n", "text_label", ["1", "2"]),
    "cells with bars": ("text,tags\na,x|y\nb,\nc,y\n", "text_labels", ["x", "y"]),
    "cells with lists": ('text,tags\na,"[""x"", ""y|z""]"\nb,[]\n', "text_labels", ["x", "y|z"]),
    "tags that are one word each": ("text,tags\na,x\nb,y\n", "text", []),
}


@pytest.mark.parametrize("case", DETECTED)
def test_scores_and_lists_of_labels_are_found_where_they_are_clear(tmp_path, case):
    content, shape_of_it, names = DETECTED[case]
    (tmp_path / "f.csv").write_text(content)
    found = load(str(tmp_path / "f.csv"))
    assert (found.shape, found.names) == (shape_of_it, names)


AS_ASKED = {
    "regress": ("text_score", ["label"], (None, None, (1.0,))),
    "classify": ("text_label", ["1", "2"], ("1", None, None)),
    "multilabel": ("text_labels", ["1", "2"], (None, ("1",), None)),
}


@pytest.mark.parametrize("objective", AS_ASKED)
def test_an_objective_reads_the_same_columns_as_it_needs_them(tmp_path, objective):
    (tmp_path / "f.csv").write_text("text,label\na,1\nb,2\n")
    found = load(str(tmp_path / "f.csv"), objective=objective)
    first = found.examples[0]
    assert (found.shape, found.names, (first.label, first.labels, first.scores)) == AS_ASKED[objective]


def test_several_columns_may_hold_scores(tmp_path):
    path = saved(tmp_path, [{"t": "a", "calm": 1, "joy": "0.5"}, {"t": "b", "calm": 2, "joy": -1}])
    found = load(path, {"text": "t", "score": "calm|joy"})
    assert found.names == ["calm", "joy"]
    assert [example.scores for example in found.examples] == [(1.0, 0.5), (2.0, -1.0)]
    assert found.examples[0].completion == "1, 0.5"


@pytest.mark.parametrize(
    ("row", "mapping", "words"),
    [
        ({"t": "a", "s": "high"}, {"text": "t", "score": "s"}, ["f.jsonl:2", "'s' holds 'high'", "number", "skip"]),
        ({"t": "a", "s": None}, {"text": "t", "score": "s"}, ["f.jsonl:2", "'s' holds None", "number", "such as 0.5"]),
        ({"t": "a", "s": 1}, {"text": "t", "score": "s|joy"}, ["no column 'joy'", "--map"]),
        ({"t": "a", "s": 1}, {"text": "t", "score": "s|s"}, ["uses the column 's'", "twice"]),
        ({"t": "a", "s": "[1, "}, {"text": "t", "labels": "s"}, ["f.jsonl:2", "no JSON list", "a|b", "skip"]),
        ({"t": "a", "s": [{"x": 1}]}, {"text": "t", "labels": "s"}, ["f.jsonl:2", "a label in column 's'", "dict"]),
    ],
)
def test_a_cell_that_is_no_score_or_list_is_a_bad_row(tmp_path, row, mapping, words):
    path = saved(tmp_path, [{"t": "b", "s": 1}, row])
    with refused(*words, kind=DataError):
        load(path, mapping)
