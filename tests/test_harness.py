"""The arithmetic and the manners of the benchmark harness, on arms that take no time."""

import json
from pathlib import Path

import pytest

from benchmarks.harness import Arm, compare, spread, summarise, table


def arm(name: str, code: str) -> Arm:
    return Arm(name, ("-c", code))


def printing(name: str, **measured: object) -> Arm:
    return arm(name, f"print('noise'); print({json.dumps(measured)!r})")


def test_spread_is_quartiles_and_median() -> None:
    assert spread([5.0, 1.0, 2.0, 4.0, 3.0]) == (2.0, 3.0, 4.0)
    assert spread([7.0]) == (7.0, 7.0, 7.0)


def test_ratios_pair_the_runs_of_one_round() -> None:
    runs = {"peer": [{"seconds": 1.0}, {"seconds": 10.0}], "ours": [{"seconds": 2.0}, {"seconds": 20.0}]}
    ours = summarise(runs, "peer")[1]
    assert ours["arm"] == "ours"
    assert ours["ratio"] == (2.0, 2.0, 2.0)


def test_an_arm_that_loses_and_a_measure_the_peer_lacks_are_shown() -> None:
    rows = summarise({"peer": [{"seconds": 1.0}], "ours": [{"seconds": 4.0, "gpu_mib": 5}]}, "peer")
    assert "| seconds | ours | 4 | 4 – 4 | 4 | 4 – 4 |" in table(rows, "peer")
    assert "| gpu_mib | ours | 5 | 5 – 5 | – | – |" in table(rows, "peer")


def test_compare_alternates_and_writes_what_it_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arms = [printing("a", device="cpu", seconds=2.0), printing("b", device="cpu", seconds=1.0)]
    path = compare("toy", arms, peer="b", rounds=2, results=tmp_path)
    assert path == tmp_path / "toy-cpu.md"
    assert "| seconds | a | 2 | 2 – 2 | 2 | 2 – 2 |" in path.read_text(encoding="utf-8")
    saved = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert saved["runs"]["a"] == [{"device": "cpu", "seconds": 2.0}] * 2
    assert {"date", "processor", "threads", "versions", "commands"} <= set(saved)
    order = [line.split(": ")[0].split(", ")[-1] for line in capsys.readouterr().out.splitlines()]
    assert order == ["a", "b", "a", "b"]


def test_threads_are_pinned_for_every_arm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    code = "import json, os; print(json.dumps({'device': 'cpu', 'seen': int(os.environ['OMP_NUM_THREADS'])}))"
    path = compare("threads", [arm("a", code)], peer="a", rounds=1, results=tmp_path)
    assert path is not None
    assert "| seen | a | 3 |" in path.read_text(encoding="utf-8")


def test_a_skipped_arm_ends_the_comparison_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare("toy", [printing("a", skipped="no rows here")], peer="a", results=tmp_path) is None
    assert "skipped, no rows here" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arms", "promise"),
    [
        ([arm("broken", "raise ValueError('no base')")], "broken failed, nothing is written.*no base"),
        ([printing("a", device="cpu"), printing("b", device="H200")], r"different devices.*--device"),
    ],
)
def test_faults_name_cause_and_remedy(arms: list[Arm], promise: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=f"(?s){promise}"):
        compare("toy", arms, peer=arms[0].name, rounds=1, results=tmp_path)
    assert list(tmp_path.iterdir()) == []
