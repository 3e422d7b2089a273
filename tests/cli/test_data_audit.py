"""`capo data --audit` and `--plant-canaries`."""

import json
import random
from pathlib import Path

import pytest

from tests.cli.conftest import Capo

WORDS = {"good": ["fine", "bright", "warm", "sweet"], "poor": ["bad", "dark", "cold", "sour"]}


@pytest.fixture
def messy(tmp_path: Path) -> Path:
    """Forty rows: a near repeat, an address, a swapped label, and a label too rare to be tested."""
    chance, rows = random.Random(0), []
    for number in range(40):
        label = ("good", "poor")[number % 2]
        noise = " ".join("".join(chance.choices("abcdefghij", k=6)) for _ in range(4))
        rows.append([f"{' '.join(chance.choices(WORDS[label], k=4))} {noise}", label])
    rows[7][1] = "good"
    rows[7][0] += " +44 20 7946 0958"
    rows[5][0] += " bullshit"
    rows[10][0] += ", ask jane.doe@mail.org"
    rows.append([rows[3][0] + ".", "poor"])
    rows.append(["something else altogether", "rare"])
    path = tmp_path / "messy.jsonl"
    path.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows))
    return path


def test_the_audit_finds_what_was_put_there(messy: Path, capo: Capo) -> None:
    found = capo("data", messy, "--audit", "--json").json["audit"]
    [pair] = found["near_duplicates"]["first"]
    assert pair["places"] == ["messy.jsonl:4", "messy.jsonl:41"]
    assert found["near_leakage"]["count"] == (pair["sides"][0] != pair["sides"][1])
    [mail] = found["personal"]["e-mail"]["first"]
    assert mail == {"place": "messy.jsonl:11", "shown": "ja…rg"}
    worst = found["label_suspects"]["first"][0]
    assert (worst["place"], worst["given"], worst["likelier"]) == ("messy.jsonl:8", "good", "poor")
    assert found["untested_labels"] == ["rare"]
    assert found["coarse"] == {"count": 1, "first": [{"place": "messy.jsonl:6", "words": ["bullshit"]}]}


def test_the_audit_shows_places_and_masks_what_is_personal(messy: Path, capo: Capo) -> None:
    shown = capo("data", messy, "--audit").stdout
    assert "messy.jsonl:4 (" in shown
    assert "1 found of the kind e-mail, masked here" in shown
    assert "jane.doe@mail.org" not in shown.replace("\n", "")
    assert "7946" not in shown, "nor in a row that is shown for its label"
    assert "1 labels without a test row" in shown
    assert "1 rows with coarse words" in shown
    assert "not looked for" in shown


def test_without_the_flag_nothing_is_audited(messy: Path, capo: Capo) -> None:
    assert "audit" not in capo("data", messy, "--json").json


def test_texts_without_labels_need_no_classifier(tmp_path: Path, capo: Capo) -> None:
    path = tmp_path / "plain.txt"
    path.write_text("\n\n".join(f"paragraph number {number} of many {number * 7919}" for number in range(20)))
    found = capo("data", path, "--audit", "--json").json["audit"]
    assert found["label_suspects"] is None
    assert found["personal"] == {}
    assert "no personal data or secrets" in capo("data", path, "--audit").stdout


def test_canaries_are_planted_and_the_next_command_is_shown(tmp_path: Path, capo: Capo) -> None:
    (tmp_path / "faq.csv").write_text("question,answer\n" + "".join(f"q {i},a {i}\n" for i in range(20)))
    copy = tmp_path / "copy.jsonl"
    done = capo("data", tmp_path / "faq.csv", "--plant-canaries", 2, "--times", 3, "--out", copy, "--test", 0.2)
    assert done.code == 0
    assert "2 canaries, each in 3 rows" in done.stdout
    line = " ".join(done.stdout.split())
    assert "--duplicates keep --map prompt=question,completion=answer --test 0.2 --out DIR" in line
    assert len(copy.read_text().splitlines()) == 26
    key = json.loads((tmp_path / "copy.canaries.json").read_text())
    assert (key["times"], len(key["canaries"])) == (3, 2)
    again = capo("data", tmp_path / "faq.csv", "--plant-canaries", 1, "--out", tmp_path / "other.jsonl", "--json")
    assert again.json == {
        "copy": str(tmp_path / "other.jsonl"),
        "key": str(tmp_path / "other.canaries.json"),
        "canaries": 1,
        "times": 50,
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--plant-canaries", "2"], "name a new one with --out COPY.jsonl"),
        (["--times", "2"], "say how many with --plant-canaries N"),
        (["--plant-canaries", "11", "--out", "x.jsonl"], "less than or equal to 10"),
        (["--plant-canaries", "1", "--out", "x.jsonl"], "read as text_label"),
        (["--plant-canaries", "1", "--out", "x.jsonl", "--audit"], "give them one after the other"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(arguments: list[str], words: str, messy: Path, capo: Capo) -> None:
    done = capo("data", messy, *arguments)
    assert done.code == 2
    assert words in " ".join(done.stderr.split())
    assert not (Path.cwd() / "x.jsonl").exists()
