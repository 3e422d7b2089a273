import pytest

from capotasto import report
from capotasto.errors import UserError
from tests.refusing import refused

# content of run.json, content of log.jsonl, words the message must hold: cause, place, remedy
BAD = [
    (None, None, ["no run in", "folder", "holds no run.json", "name a folder"]),
    ("{", None, ["cannot read", "run.json", "damaged"]),
    ("[1]", None, ["run.json", "holds a list", "run the training again"]),
    ('{"steps": "many"}', None, ["run.json", "`steps`", "'many'", "run the training again"]),
    (
        '{"scores": {"base": {"loss": {"value": NaN}}}}',
        None,
        ["run.json", "`scores.base.loss.value`", "'nan'", "again"],
    ),
    ('{"scores": {"base": {"loss": 3}}}', None, ["run.json", "`scores.base.loss`", "'3'", "again"]),
    ('{"labels": ["a"], "confusion": [[1, 2]]}', None, ["run.json", "one column for each of the 1 labels", "again"]),
    ('{"lengths": {"prompt": ["x"]}}', None, ["run.json", "`lengths.prompt.0`", "'x'", "again"]),
    ("{}", "{\n", ["log.jsonl", "not a JSON record", "remove it"]),
    ("{}", "3\n", ["log.jsonl", "not a JSON record", "remove it"]),
    ("{}", b"\xff\n", ["log.jsonl", "not a JSON record", "remove it"]),
]


@pytest.mark.parametrize(("run", "log", "words"), BAD)
def test_message_names_cause_place_and_remedy(tmp_path, run, log, words):
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, content in (("run.json", run), ("log.jsonl", log)):
        if content is not None:
            (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with refused(*words):
        report.write(folder)
    assert not (folder / "report.html").exists()


def test_a_page_needs_a_folder(tmp_path):
    with pytest.raises(UserError, match=r"no run folders.*many\.html; name at least one"):
        report.write_many([], tmp_path / "many.html", "None")


@pytest.mark.parametrize(
    "line", ['{"kind": "step"}', '{"kind": "step", "step": 1, "loss": NaN}', '{"kind": [1]}', "{}"]
)
def test_records_without_a_usable_loss_are_passed_over(tmp_path, line):
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / "log.jsonl").write_text(line + "\n")
    assert "Learning curve" not in report.write(tmp_path).read_text()


def test_a_half_written_last_line_is_passed_over(tmp_path):
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / "log.jsonl").write_text('{"kind": "step", "step": 1, "loss": 2.5}\n{"kind": "st')
    assert "Training loss from 2.50 to 2.50" in report.write(tmp_path).read_text()
