"""Trackers: what is sent really arrives, and a tracker that is not installed is named with its remedy."""

import sys
from pathlib import Path

import pytest

from capotasto import tune
from capotasto.errors import SettingError
from capotasto.experiment.track import TRACKERS, open_tracker
from capotasto.session import Base
from tests.experiment.runs import QUICK, steps_logged


def test_tensorboard_gets_every_number_of_the_log(base: Base, rows: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    out = tmp_path / "out"
    tune(base, rows, out=out, report_to="tensorboard", **QUICK)
    events = EventAccumulator(str(out / "tensorboard"))
    events.Reload()
    assert set(events.Tags()["scalars"]) == {"loss", "learning_rate", "gradient_norm", "held_out_loss"}
    for kind, tag in (("step", "loss"), ("held_out", "held_out_loss")):
        sent = [(event.step, event.value) for event in events.Scalars(tag)]
        logged = [(step, loss) for found, step, loss in steps_logged(out) if found == kind]
        assert [step for step, _ in sent] == [step for step, _ in logged]
        assert [value for _, value in sent] == pytest.approx([loss for _, loss in logged], rel=1e-6)


@pytest.mark.parametrize("kind", TRACKERS)
def test_a_tracker_that_is_not_installed_is_named(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.split(".")[0] == kind or name.startswith("torch.utils.tens")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, kind, None)  # importing it fails now, as where it is not installed
    with pytest.raises(SettingError) as caught:
        open_tracker(kind, tmp_path, "run", {})
    message = f"--report-to {kind} needs its package: pip install 'capotasto[{kind}]', or leave --report-to out"
    assert str(caught.value) == message
