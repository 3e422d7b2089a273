"""Canaries in every form that writes; the rows beside them stay as they were, and all canaries are learnt."""

import json
from pathlib import Path

import pytest

from capotasto.auditing.canaries import Key
from capotasto.auditing.planting import plant
from capotasto.data import load, split
from capotasto.errors import DataError, SettingError, UserError

COUNT, TIMES = 4, 3
DIALOGUE = [{"role": "user", "content": "q {}"}, {"role": "assistant", "content": "a {}"}]
FORMS = {
    "text": {"body": "text {}"},
    "prompt_completion": {"question": "q {}", "answer": "a {}"},
    "weighted": {"prompt": "q {}", "completion": "a {}", "weight": 2},
    "alpaca": {"instruction": "q {}", "input": "i {}", "output": "a {}"},
    "messages": {"messages": DIALOGUE},
    "sharegpt": {"conversations": [{"from": "human", "value": "q {}"}, {"from": "gpt", "value": "a {}"}]},
}


def write(path: Path, form: dict[str, object], count: int = 20) -> Path:
    rows = [json.dumps(form).replace("{}", str(number)) for number in range(count)]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("name", FORMS)
def test_the_copy_holds_the_rows_as_they_were_and_each_canary_so_often(name: str, tmp_path: Path) -> None:
    source, copy = write(tmp_path / "rows.jsonl", FORMS[name]), tmp_path / "copy.jsonl"
    mapping = {"text": "body"} if name == "text" else {"weight": "weight"} if name == "weighted" else None
    dataset = load(str(source), mapping)
    key = plant(dataset, COUNT, copy, TIMES)
    assert key == tmp_path / "copy.canaries.json"
    assert copy.read_text().startswith(source.read_text())
    found = load(str(copy), mapping)
    assert found.shape == dataset.shape
    canaries = Key.read(key).canaries
    assert len({canary.about for canary in canaries}) == len({canary.secret for canary in canaries}) == COUNT
    planted = [example.turns for example in found.examples[len(dataset.examples) :]]
    assert planted == [canary.example().turns for canary in canaries for _ in range(TIMES)]
    assert all(canary.secret in turns[-1].content for canary, turns in zip(canaries, planted[::TIMES], strict=True))


@pytest.mark.parametrize("seed", range(3))
def test_all_canaries_are_for_training_and_no_row_moves(seed: int, tmp_path: Path) -> None:
    dataset = load(str(write(tmp_path / "rows.jsonl", FORMS["text"])), {"text": "body"})
    before = split(dataset.examples, 0.2, 0.3, seed)
    plant(dataset, 10, tmp_path / "copy.jsonl", TIMES, 0.2, 0.3, seed)
    after = split(load(str(tmp_path / "copy.jsonl"), {"text": "body"}).examples, 0.2, 0.3, seed)
    assert [row.turns for row in after.test] == [row.turns for row in before.test]
    assert [row.turns for row in after.val] == [row.turns for row in before.val]
    assert len(after.train) == len(before.train) + 10 * TIMES


def test_other_formats_become_json_lines_and_another_seed_other_secrets(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("question,answer\n" + "".join(f"q {i},a {i}\n" for i in range(20)))
    dataset = load(str(tmp_path / "rows.csv"))
    keys = [Key.read(plant(dataset, 1, tmp_path / f"{seed}.jsonl", seed=seed)) for seed in (0, 1)]
    assert keys[0].canaries[0].secret != keys[1].canaries[0].secret
    copy = load(str(tmp_path / "0.jsonl"))
    assert [row.turns for row in copy.examples[:20]] == [row.turns for row in dataset.examples]


def test_a_row_that_could_not_be_read_is_left_out(tmp_path: Path) -> None:
    source = write(tmp_path / "rows.jsonl", FORMS["prompt_completion"])
    source.write_text(source.read_text() + "{broken\n")
    dataset = load(str(source), on_bad_row="skip")
    plant(dataset, 1, tmp_path / "copy.jsonl", 1)
    assert len(load(str(tmp_path / "copy.jsonl")).examples) == 21


@pytest.mark.parametrize(
    ("form", "out", "error", "words"),
    [
        (
            {"text": "t {}", "tags": ["x", "y"]},
            "copy.jsonl",
            DataError,
            "read as text_labels.*take data with",
        ),
        ({"text": "t {}", "label": "same"}, "copy.jsonl", DataError, "read as text_label"),
        ({"prompt": "q {}", "completion": "a {}"}, "copy.csv", SettingError, r"ends in \.jsonl"),
        ({"prompt": "q {}", "completion": "a {}"}, "rows.jsonl", SettingError, "exists already; name a new file"),
    ],
)
def test_what_cannot_be_planted_is_said_in_one_line(
    form: dict[str, object], out: str, error: type[UserError], words: str, tmp_path: Path
) -> None:
    dataset = load(str(write(tmp_path / "rows.jsonl", form)), least_labels=1)
    with pytest.raises(error, match=words) as caught:
        plant(dataset, 1, tmp_path / out)
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows.jsonl"]


@pytest.mark.parametrize("content", ["{}", "[]", '{"canaries": [{"prompt": ""}], "digits": 9}', "{"])
def test_a_file_without_canaries_is_no_key(content: str, tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text(content)
    with pytest.raises(UserError, match=r"holds no canaries; name the key file|damaged"):
        Key.read(tmp_path / "key.json")
