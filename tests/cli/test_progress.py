import io
import re

import pytest
from rich.console import Console

from capotasto.cli.progress import Progress
from capotasto.types import StepRecord


def record(kind: str, step: int, loss: float, job: str = "a") -> StepRecord:
    return StepRecord(kind, job, step, 4, step / 2, loss, tokens=100, seconds=float(step))  # type: ignore[arg-type]


def shown(records: list[StepRecord], **console: object) -> str:
    stream = io.StringIO()
    with Progress(Console(file=stream, **console)) as progress:  # type: ignore[arg-type]
        for one in records:
            progress.see(one)
    return stream.getvalue()


RECORDS = [
    record("step", 1, 3.0),
    record("step", 2, 2.0),
    record("held_out", 2, 2.5),
    record("step", 3, 1.0),
    record("held_out", 4, 2.75),
]


def test_without_a_terminal_each_look_is_a_plain_line() -> None:
    first, second = shown(RECORDS, force_terminal=False).splitlines()
    assert first.startswith("a: step 2/4 · loss 2.000 · held-out 2.500 · 0:0")
    assert "100 tokens/s" in first
    assert "held-out 2.750" in second
    assert "best 2.500" in second


@pytest.mark.parametrize("width", [50, 60, 100])
def test_a_line_never_exceeds_the_terminal(width: int) -> None:
    text = shown(RECORDS, force_terminal=True, width=width, color_system=None)
    lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text).replace("\r", "\n").splitlines()
    assert any("a ━" in line and "step 4/4 · loss 1.000" in line for line in lines)
    assert max(map(len, lines)) <= width


def test_a_resumed_run_is_timed_from_where_it_went_on() -> None:
    line = shown([record("step", 2, 2.0), record("step", 3, 2.0), record("held_out", 3, 2.5)], force_terminal=False)
    assert "100 tokens/s" in line


def test_every_job_has_its_line() -> None:
    text = shown([*RECORDS, record("held_out", 2, 9.0, job="b")], force_terminal=False)
    assert [line[0] for line in text.splitlines()] == ["a", "a", "b"]
