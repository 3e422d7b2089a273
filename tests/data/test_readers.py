"""Every format gives the same rows, at places a person can find."""

import sys
from types import SimpleNamespace
from typing import ClassVar

import pytest

from capotasto.data.readers import READERS, read
from capotasto.data.rows import BadRow, Row
from capotasto.errors import DataError

ROWS = [{"prompt": "one, two", "completion": "drei"}, {"prompt": 'say "hi"\nnow', "completion": "ja"}]
CSV = 'prompt,completion\n"one, two",drei\n"say ""hi""\nnow",ja\n'
JSON_LINES = '{"prompt": "one, two", "completion": "drei"}\n{"prompt": "say \\"hi\\"\\nnow", "completion": "ja"}\n'
JSON = "[" + JSON_LINES.strip().replace("\n", ",\n") + "]"

FORMATS = {
    "csv": (CSV, ["f.csv:2", "f.csv:3"]),
    "tsv": (CSV.replace(",", "\t", 1).replace(",d", "\td").replace(",j", "\tj"), ["f.tsv:2", "f.tsv:3"]),
    "json": (JSON, ["f.json[0]", "f.json[1]"]),
    "jsonl": (JSON_LINES, ["f.jsonl:1", "f.jsonl:2"]),
    "ndjson": ("\n" + JSON_LINES, ["f.ndjson:2", "f.ndjson:3"]),
}


def rows(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read(str(path)))


def values(found):
    return [list(row.values.values()) for row in found]


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
def test_formats_agree(tmp_path, ending, mark):
    content, places = FORMATS[ending]
    found = rows(tmp_path, f"f.{ending}", mark + content.encode())
    assert [row.values for row in found] == ROWS
    assert [row.place for row in found] == places


def test_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "f.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(ROWS), path)
    assert list(read(str(path))) == [Row(ROWS[0], "f.parquet[0]"), Row(ROWS[1], "f.parquet[1]")]
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match=r"f\.parquet is not a readable Parquet file: .*; write or download it again$"):
        list(read(str(path)))


class FakeTable(list):
    features: ClassVar = {"text": SimpleNamespace(), "label": SimpleNamespace(names=["ham", "spam"])}


def fake_hub(name, split):
    if name != "owner/name":
        raise FileNotFoundError("Dataset doesn't exist\non the Hub")
    return FakeTable([{"text": split, "label": 1}, {"text": "b", "label": -1}])


def test_hub_names_classes_and_splits(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=fake_hub))
    assert list(read("hub:owner/name")) == [
        Row({"text": "train", "label": "spam"}, "hub:owner/name[0]"),
        Row({"text": "b", "label": None}, "hub:owner/name[1]"),
    ]
    assert next(read("hub:owner/name:validation")).values["text"] == "validation"
    with pytest.raises(DataError, match="cannot load hub:owner/other: Dataset doesn't exist on the Hub; check the nam"):
        list(read("hub:owner/other"))
    with pytest.raises(DataError, match="write hub:OWNER/NAME or hub:OWNER/NAME:SPLIT"):
        list(read("hub:"))


@pytest.mark.parametrize(
    ("module", "source", "extra"),
    [("pyarrow", "f.parquet", "capotasto[parquet]"), ("datasets", "hub:owner/name", "capotasto[hub-data]")],
)
def test_missing_library_names_the_extra(tmp_path, monkeypatch, module, source, extra):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(DataError) as caught:
        list(read(source))
    assert f"pip install '{extra}'" in str(caught.value)
    assert source in str(caught.value)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["csv", "tsv"])
def test_delimiter_is_found(tmp_path, delimiter, ending):
    other = {",": ";", ";": ",", "\t": ","}[delimiter]
    content = f"text{delimiter}label\nab{other} c{delimiter}x\nd{other}{other}{delimiter}y\n"
    assert values(rows(tmp_path, f"f.{ending}", content)) == [[f"ab{other} c", "x"], [f"d{other}{other}", "y"]]


def test_unquoted_tabs_keep_their_quotes(tmp_path):
    found = rows(tmp_path, "f.tsv", 'ham\t"no end\nspam\tbuy "now"\nham\tok\nham\t"late"\n')
    assert values(found) == [["ham", '"no end'], ["spam", 'buy "now"'], ["ham", "ok"], ["ham", '"late"']]


def test_quoted_tabs_lose_their_quotes(tmp_path):
    assert values(rows(tmp_path, "f.tsv", 'text\tlabel\n"a ""b"""\tx\n')) == [['a "b"', "x"]]


@pytest.mark.parametrize(
    ("content", "columns", "count"),
    [
        ("ham\thi\nspam\tbuy\nham\tyo\nspam\tfree\nham\tok\n", ["column_1", "column_2"], 5),
        ("Satz\tKlasse\nhi\tham\nbuy\tspam\nyo\tham\n", ["Satz", "Klasse"], 3),
        ("text\tlabel\na\tx\ntext\tlabel\nb\tx\n", ["text", "label"], 3),  # glued files repeat their header
        (f"{'long ' * 20}\tA\nother\tB\n", ["column_1", "column_2"], 2),
        ("\tsent\n0\ta\n1\tb\n", ["column_1", "sent"], 2),  # an index column without a name
    ],
)
def test_header_is_told_from_data(tmp_path, content, columns, count):
    found = rows(tmp_path, "f.tsv", content)
    assert list(found[0].values) == columns
    assert len(found) == count


def test_places_count_physical_lines(tmp_path):
    found = rows(tmp_path, "f.csv", 'text,label\r\n\r\n"a\r\nb",x\r\nc\r\nd,y\r\n')
    assert [row.place for row in found] == ["f.csv:3", "f.csv:5", "f.csv:6"]
    assert found[1] == BadRow("f.csv:5", "1 cells found, 2 expected; put a cell that holds ',' in double quotes")
    assert found[0].values["text"] == "a\r\nb"


def test_long_cells_and_nul_bytes(tmp_path):
    found = rows(tmp_path, "f.csv", f"text,label\n{'x' * 300_000},a\n\x00,b\n")
    assert [len(row.values["text"]) for row in found] == [300_000, 1]


@pytest.mark.parametrize(
    ("content", "places"),
    [
        ('{"Definition": ["d"], "Instances": [{"input": "a", "output": ["b"]}]}', ["f.json:Instances[0]"]),
        ('{"examples": [{"a": 1}], "notes": [{"b": 2}], "data": 3}', ["f.json:examples[0]"]),
        ('{"a": 1}\n{"a": 2}\n', ["f.json:1", "f.json:2"]),  # JSON Lines under the wrong ending
    ],
)
def test_json_lists_are_found(tmp_path, content, places):
    assert [row.place for row in rows(tmp_path, "f.json", content)] == places


def test_json_lines_end_at_line_feeds_only(tmp_path):
    (row,) = rows(tmp_path, "f.jsonl", '{"text": "a\u2028b"}\r\n')
    assert row.values == {"text": "a\u2028b"}


@pytest.mark.parametrize("ending", ["txt", "text", "md"])
def test_paragraphs(tmp_path, ending):
    found = rows(tmp_path, f"f.{ending}", "\na\r\nb\n \n\nc")
    assert [(row.values["text"], row.place) for row in found] == [("a\nb", f"f.{ending}:2"), ("c", f"f.{ending}:6")]


def test_text_without_blank_lines_is_a_list(tmp_path):
    assert values(rows(tmp_path, "f.txt", "a\nb\nc\n")) == [["a"], ["b"], ["c"]]


def test_every_reader_is_covered():
    assert set(READERS) == {*FORMATS, "txt", "text", "md", "parquet", "hub:"}
