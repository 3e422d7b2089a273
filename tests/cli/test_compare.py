import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from capotasto.cli.compare_progress import CompareProgress
from capotasto.comparing.run import Standing
from capotasto.types import StepRecord
from tests.cli.conftest import Capo

SHORT = ("--methods", "zero-shot,few-shot,head,retrieval", "--budget", "20m", "--val", 0.2, "--test", 0.3)


def test_a_comparison_shows_the_contenders_best_first(base: Path, rows: Path, tmp_path: Path, capo: Capo) -> None:
    out = tmp_path / "found"
    done = capo("compare", rows, "--base", base, "--out", out, *SHORT)
    assert done.code == 0, done.stderr
    record = json.loads((out / "compare.json").read_text())
    shown = " ".join(done.stdout.split())
    for promise in (
        f"{len(record['rows'])} untouched rows, by accuracy",
        "Contender Accuracy Training On disk Added tokens",
        "retrieval skipped: no documents were given; name them with --docs DIR",
        "of 20 min 0 s",
        f"Recommendation {record['recommendation']['text'][:12]}",
        "report.html",
    ):
        assert promise in shown, promise
    places = [shown.index(f" {name} ", shown.index("Added tokens")) for name in record["ranking"]]
    assert len(places) == 3
    assert places == sorted(places)
    assert (out / "report.html").exists()
    assert "1/6 zero-shot" in done.stderr
    again = capo("compare", rows, "--base", base, "--out", out, *SHORT, "--resume", "--json")
    assert [one["scores"] for one in again.json["contenders"]] == [one["scores"] for one in record["contenders"]]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], ["no data"]),
        (["ROWS"], ["--out"]),
        (["ROWS", "--out", "x", "--budget", "soon"], ["'budget'", "10m"]),
        (["ROWS", "--out", "x", "--methods", "loar"], ["'loar'", "'lora'"]),
        (["ROWS", "--out", "x", "--docs", "nowhere"], ["--docs nowhere"]),
    ],
)
def test_what_is_wrong_is_one_line(
    base: Path, rows: Path, capo: Capo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: list, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    done = capo("compare", *[rows if part == "ROWS" else part for part in given], "--base", base)
    assert done.code == 2
    assert [word for word in words if word not in done.stderr] == [], done.stderr
    assert not (tmp_path / "x").exists()


def test_progress_tells_who_is_at_work_and_what_time_is_left() -> None:
    stream = StringIO()
    with CompareProgress(Console(file=stream, force_terminal=True, width=100)) as progress:
        standing = Standing("lora", 3, 9, 60.0, 300.0)
        progress.see(standing, None)
        progress.see(standing, StepRecord("step", "lora", 4, 10, 0.4, 1.25))
        progress.bars.refresh()
    shown = stream.getvalue()
    assert "3/9 lora" in shown
    assert "step 4 · loss 1.250" in shown
    assert "4:00 left" in shown or "3:59 left" in shown
