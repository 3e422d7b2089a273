"""The profile counts what is there, in values that JSON can hold."""

import json

from capotasto.data import Splits, load, profile, split


def saved(tmp_path, rows):
    path = tmp_path / "f.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_dialogue_profile(tmp_path):
    pairs = [("p", "a"), ("p", "a"), ("p", "bb"), ("pppp", "c" * 10), ("", "a"), ("q", None)]
    dataset = load(saved(tmp_path, [{"prompt": p, "answer": a, "id": 1} for p, a in pairs]), on_bad_row="skip")
    examples = dataset.examples
    found = profile(dataset, Splits(train=examples[:1], val=examples[3:], test=examples[1:3]))
    assert json.loads(json.dumps(found)) == found
    assert found["columns"] == {"used": {"prompt": "prompt", "completion": "answer"}, "unused": ["id"]}
    assert (found["rows"], found["splits"]) == (4, {"train": 1, "val": 1, "test": 2})
    assert found["bad_rows"]["count"] == 2
    assert found["bad_rows"]["first"][0] == {"place": "f.jsonl:5", "reason": "column 'prompt' is empty"}
    assert found["empties"] == {"rows": 2, "prompts": 0}
    assert found["characters"]["prompt"]["most"] == 4
    assert (found["characters"]["completion"]["least"], found["characters"]["completion"]["most"]) == (1, 10)
    assert found["duplicates"] == {"count": 1, "first": [["f.jsonl:1", "f.jsonl:2"]]}
    assert found["conflicts"]["count"] == 1
    assert found["conflicts"]["first"][0]["completions"] == ["a", "bb"]
    assert found["leakage"]["val"] == {"count": 0, "first": []}
    assert found["leakage"]["test"]["first"] == [["f.jsonl:1", "f.jsonl:2"], ["f.jsonl:1", "f.jsonl:3"]]
    assert found["labels"] == {}


def test_label_counts(tmp_path):
    rows = [{"text": f"{label} {index}", "label": label} for index in range(10) for label in ("x", "y")]
    dataset = load(saved(tmp_path, rows))
    found = profile(dataset, split(dataset.examples, 0.1, 0.1, 0))
    assert {label: sum(sides.values()) for label, sides in found["labels"].items()} == {"x": 10, "y": 10}
    assert all(sides["test"] >= 1 for sides in found["labels"].values())


def test_plain_text_profile(tmp_path):
    dataset = load(saved(tmp_path, [{"text": "a" * size} for size in (1, 3, 5)]))
    found = profile(dataset, Splits(train=dataset.examples))
    assert list(found["characters"]) == ["text"]
    assert found["characters"]["text"]["median"] == 3
    assert found["empties"] == {"rows": 0, "prompts": 0}
    assert found["conflicts"]["count"] == 0


def test_only_the_first_ten_are_shown(tmp_path):
    dataset = load(saved(tmp_path, [{"text": "same"}] * 15 + [{"text": ""}] * 12), on_bad_row="skip")
    found = profile(dataset, Splits(train=dataset.examples))
    assert (found["duplicates"]["count"], len(found["duplicates"]["first"])) == (14, 10)
    assert (found["bad_rows"]["count"], len(found["bad_rows"]["first"])) == (12, 10)
