"""Floor 0: records on disk, settings from files, and tables of names."""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from capotasto import registry
from capotasto.config import Settings, read_yaml
from capotasto.errors import SettingError, UserError, nearest
from capotasto.records import content_hash, read_json, read_lines, write_json
from capotasto.types import Example, Turn


def test_a_half_written_last_line_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    assert read_lines(path) == []
    path.write_text('{"step": 1}\n{"step": 2}\n{"st')
    assert read_lines(path) == [{"step": 1}, {"step": 2}]


def test_json_goes_to_the_disk_and_back(tmp_path: Path) -> None:
    write_json(tmp_path / "deep" / "x.json", {"ä": [1, None]})
    assert read_json(tmp_path / "deep" / "x.json") == {"ä": [1, None]}
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "deep" / "x.json", float("nan"))
    assert read_json(tmp_path / "deep" / "x.json") == {"ä": [1, None]}, "what was there stays"


@pytest.mark.parametrize("content", [None, b"{", b"\xff\xfe", b""])
def test_damaged_json_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "x.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"cannot read .*x.json: .*damaged or missing$"):
        read_json(path)


def test_a_hash_knows_where_its_parts_end() -> None:
    assert len({content_hash(parts) for parts in (["ab", "c"], ["a", "bc"], ["abc"], ["abc", ""])}) == 4


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("- a\n- b", "does not hold settings; write one `name: value` a line"),
        ("a: [1", "is not valid YAML"),
        (b"a: \xff\xfe", "is not valid YAML"),
        ("", "does not hold settings"),
    ],
)
def test_a_yaml_file_that_holds_no_settings_is_named(tmp_path: Path, content: str | bytes, words: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(SettingError) as caught:
        read_yaml(path)
    assert str(caught.value).startswith(str(path))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_said_in_the_call_wins_over_the_file(tmp_path: Path) -> None:
    class Two(Settings):
        one: int = 1
        other: int = 2

    (tmp_path / "c.yaml").write_text("one: 5\nother: 6\n")
    assert Two.from_yaml(tmp_path / "c.yaml", other=7) == Two(one=5, other=7)
    with pytest.raises(SettingError, match=r"setting 'one' in .*c.yaml: .*, got 'x'"):
        Two.from_yaml(tmp_path / "c.yaml", one="x")


def test_a_table_imports_what_is_asked_for_and_takes_others_additions(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = EntryPoint("theirs", "json:dumps", "capotasto.kind")
    monkeypatch.setattr(registry, "entry_points", lambda group: [theirs] if group == "capotasto.kind" else [])
    table = registry.Table("kind", {"ours": "json:loads", "broken": "no_such_module:x"})
    assert list(table) == ["ours", "broken", "theirs"]
    assert table["ours"]("1") == 1
    assert table["theirs"](1) == "1"
    assert "ours" in table
    assert len(table) == 3
    with pytest.raises(SettingError, match="unknown kind 'our'; did you mean 'ours'"):
        table["our"]


def test_the_nearest_name_is_given_only_where_one_is_near() -> None:
    assert nearest("epoch", ["epochs", "lr"]) == "did you mean 'epochs'? known: epochs, lr"
    assert nearest("zzz", ["epochs"]) == "known: epochs"
    assert nearest("zzz", []) == "known: none"


def test_an_example_knows_its_prompt_and_its_completion() -> None:
    dialogue = Example((Turn("system", "a"), Turn("user", "b"), Turn("assistant", "c", learn=True)))
    assert (dialogue.prompt, dialogue.completion, dialogue.plain) == ("a\n\nb", "c", False)
    text = Example((Turn("text", "t", learn=True),))
    assert (text.prompt, text.completion, text.plain) == ("", "t", True)
