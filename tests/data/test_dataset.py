"""From a file to a data set: what is skipped, what stops, and what each message promises."""

import pytest

from capotasto.data import load
from capotasto.errors import DataError, SettingError
from tests.refusing import refused

GOOD = "text,label\na,x\nb,x\nc,y\nd,y\n"


def saved(tmp_path, content, name="f.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def test_labels(tmp_path):
    found = load(saved(tmp_path, GOOD))
    assert (found.shape, found.labels) == ("text_label", ["x", "y"])
    assert found.mapping == {"text": "text", "label": "label"}
    assert [example.label for example in found.examples] == ["x", "x", "y", "y"]
    assert [example.place for example in found.examples] == ["f.csv:2", "f.csv:3", "f.csv:4", "f.csv:5"]


def test_labels_that_hardly_repeat_are_answers(tmp_path):
    path = saved(tmp_path, "text,label\na,x\nb,y\nc,y\n")
    found = load(path)
    assert (found.shape, found.labels) == ("prompt_completion", [])
    assert found.mapping == {"prompt": "text", "completion": "label"}
    assert all(example.label is None for example in found.examples)
    assert load(path, {"text": "text", "label": "label"}).labels == ["x", "y"]  # a mapping is believed


def test_rows_have_weights_where_a_column_is_mapped_to_them(tmp_path):
    path = saved(tmp_path, "text,label,weight\na,x,1\nb,x,0.5\nc,y,2e0\nd,y,0\n")
    plain, found = load(path), load(path, {"weight": "weight"})
    assert [example.weight for example in plain.examples] == [1, 1, 1, 1]
    assert [example.weight for example in found.examples] == [1, 0.5, 2, 0]
    assert (found.shape, found.mapping) == ("text_label", {"text": "text", "label": "label", "weight": "weight"})
    assert plain.hash != found.hash
    assert load(path, {"prompt": "text", "completion": "label", "weight": "weight"}).examples[1].weight == 0.5


@pytest.mark.parametrize("cell", ["-1", "heavy", "", "nan", "inf"])
def test_a_weight_that_is_none_is_a_bad_row(tmp_path, cell):
    path = saved(tmp_path, f"text,label,w\na,x,1\nb,x,1\nc,y,{cell}\nd,y,1\n")
    with pytest.raises(DataError, match=r"^f.csv:4: column 'w' holds .*--on-bad-row skip$") as caught:
        load(path, {"weight": "w"})
    assert "\n" not in str(caught.value)
    assert [row.place for row in load(path, {"weight": "w"}, "skip").bad] == ["f.csv:4"]


def test_bad_rows_stop_or_are_skipped(tmp_path):
    path = saved(tmp_path, GOOD + "e,f,g\n,y\n")
    with pytest.raises(DataError) as caught:
        load(path)
    assert str(caught.value).startswith("f.csv:6: 3 cells found, 2 expected")
    assert "--on-bad-row skip" in str(caught.value)
    found = load(path, on_bad_row="skip")
    assert len(found.examples) == 4
    assert [row.place for row in found.bad] == ["f.csv:6", "f.csv:7"]


def test_max_rows_is_the_top_of_the_file(tmp_path):
    path = saved(tmp_path, GOOD + "broken\n")
    assert [example.prompt for example in load(path, max_rows=4).examples] == ["a", "b", "c", "d"]


def test_hash_is_of_contents(tmp_path):
    first = load(saved(tmp_path, GOOD)).hash
    assert load(saved(tmp_path, GOOD.replace("text", "\nbody"), "other.csv")).hash == first
    assert load(saved(tmp_path, "text,label\nb,x\na,x\nc,y\nd,y\n")).hash != first
    assert load(saved(tmp_path, GOOD), {"prompt": "text", "completion": "label"}).hash != first


BAD_FILES = [
    ("f.csv", "", ["f.csv is empty", "at least one row"]),
    ("f.csv", b"\xef\xbb\xbf\n", ["f.csv is empty", "at least one row"]),
    ("f.csv", "text,label\n", ["f.csv has no rows", "at least one"]),
    (
        "f.csv",
        b"text,label\nok,a\ncaf\xe9,b\n",
        ["f.csv:3 is not UTF-8 (byte 19)", "iconv -f latin1 -t utf-8", "f.csv"],
    ),
    ("f.csv", b"\xef\xbb\xbftext\n\xff\n", ["f.csv:2 is not UTF-8 (byte 8)", "iconv"]),
    ("f.csv", "text,label\na,b\n".encode("utf-16"), ["f.csv:1 is UTF-16", "iconv -f utf-16 -t utf-8"]),
    ("f.csv", 'text,label\na,x\n"b,y\nc,y\n', ["f.csv:3", "never closed", 'twice ("")']),
    ("f.csv", 'text,label\n"a" b,x\n', ["f.csv:2", "follows a closing quote", "--on-bad-row skip"]),
    ("f.csv", '"te"xt,label\na,x\n', ["f.csv:1", "follows a closing quote", "the first row must be right"]),
    ("f.csv", "text,text\na,b\n", ["f.csv:1", "'text' twice", "rename"]),
    ("f.csv", "text,label\na\n", ["f.csv:2", "1 cells found, 2 expected", "double quotes"]),
    ("f.csv", "text,label\na,\n", ["f.csv:2", "column 'label' is empty", "--on-bad-row skip"]),
    ("f.csv", "text,label\na,x\nb,x\n", ["f.csv", "same label 'x'", "column 'label'", "--map text=COLUMN"]),
    ("f.xlsx", "x", ["f.xlsx", "'.xlsx'", ".csv, .tsv, .json, .jsonl", ".parquet"]),
    ("f", "x", ["cannot tell the format from the ending ''", ".csv"]),
    ("f.jsonl", '{"text": "a"}\n{"text": b}\n', ["f.jsonl:2", "column 10", "--on-bad-row skip"]),
    ("f.jsonl", '{"text": "a"}\n["b"]\n', ["f.jsonl:2", "a JSON list", "ends in .json"]),
    ("f.jsonl", '{"text": ' + "[" * 100_000 + "\n", ["f.jsonl:1", "nested too deeply"]),
    ("f.jsonl", '{"text": ' + "9" * 5000 + "}\n", ["f.jsonl:1", "not valid JSON"]),
    ("f.jsonl", '{"text": "\\ud83d"}\n', ["f.jsonl:1", "column 'text'", "half a character", "--on-bad-row skip"]),
    ("f.json", '[{"text": "a"},\n {"text" "b"}]', ["f.json:2, column 10", "not valid JSON", "correct"]),
    ("f.json", "[]", ["f.json has no rows"]),
    ("f.json", "3", ["f.json", "a single JSON value", "list of objects"]),
    ("f.json", '{"a": 3}', ["f.json", "without a list of objects"]),
    ("f.json", '{"a": [{"x": 1}], "b": [{"x": 1}]}', ["f.json", "'a', 'b'", "call the right one 'data'"]),
    ("f.json", '[{"text": "a"}, 3]', ["f.json[1]", "a JSON int", "--on-bad-row skip"]),
]


@pytest.mark.parametrize(("name", "content", "words"), BAD_FILES)
def test_bad_file(tmp_path, name, content, words):
    with refused(*words, kind=DataError):
        load(saved(tmp_path, content, name))


def test_nothing_usable_says_the_first_reason(tmp_path):
    with pytest.raises(DataError, match=r"no usable row among 2; the first is f\.csv:2: column 'label' is empty"):
        load(saved(tmp_path, "text,label\na,\nb,\n"), on_bad_row="skip")


def test_nothing_to_open(tmp_path):
    with pytest.raises(DataError, match=r"no data file at .*gone\.csv; check the path"):
        load(str(tmp_path / "gone.csv"))
    with pytest.raises(DataError, match="is a folder; give one data file in it"):
        load(str(tmp_path))


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"on_bad_row": "ignore"}, "'ignore'; use 'stop' or 'skip'"), ({"max_rows": 0}, "max_rows is 0; use 1 or more")],
)
def test_bad_settings(tmp_path, settings, words):
    with pytest.raises(SettingError, match=words):
        load(saved(tmp_path, GOOD), **settings)
