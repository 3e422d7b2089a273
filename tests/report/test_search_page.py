import json

import pytest

from capotasto import report
from capotasto.errors import UserError
from capotasto.report.scale import Beside, Logarithmic, scale_of
from capotasto.report.trials import loss_axis
from tests.report.reading import read

SPACE = {"lr": {"low": 1e-4, "high": 1e-1, "log": True, "whole": False}, "targets": {"values": ["all", "<b>q</b>"]}}


def trial(number, lr, targets, state, looks, spans):
    loss = min((loss for _, loss in looks if loss is not None), default=None)
    return {
        "name": f"trial-{number:02d}",
        "settings": {"lr": lr, "targets": targets},
        "state": state,
        "loss": loss,
        "step": looks[-1][0] if looks else 0,
        "steps": 40,
        "seconds": 1.5,
        "tokens": 9,
        "held_out_tokens": 5,
        "ended": "loss nan at step 3" if state == "failed" else "",
        "looks": looks,
        "rungs": [{"step": 10, "loss": loss, "began": began, "ended": ended} for began, ended in spans],
    }


TRIALS = [
    trial(0, 1e-3, "all", "finished", [[10, 3.0], [20, 2.5], [40, 2.25]], [(0, 4), (8, 12)]),
    trial(1, 1e-2, "<b>q</b>", "left behind", [[10, 3.5]], [(0, 4)]),
    trial(2, 1e-1, "all", "failed", [], [(4, 8)]),
    trial(3, 5e-2, "all", "left behind", [[10, 900.0]], [(4, 8)]),
]


@pytest.fixture
def searched(folder, content, log):
    path = folder(content, log)
    path.rename(path.parent / "best")
    record = {
        "name": "tickets",
        "method": "lora",
        "space": SPACE,
        "seconds": 12.5,
        "stopped": "all rungs done",
        "rungs": [{"share": 0.25, "trials": 4}, {"share": 1.0, "trials": 1}],
        "held_out": {"rows": 30, "looks": 6, "tokens": 1234, "optimism": "Part of it is luck."},
        "winner": {
            "trial": "trial-00",
            "settings": {"lr": 1e-3, "targets": "all"},
            "validation_loss": 2.25,
            "test_loss": 2.5,
        },
        "trials": TRIALS,
    }
    (path.parent / "search.json").write_text(json.dumps(record))
    return path.parent


def test_the_page_shows_what_the_search_found(searched):
    page = read(report.write_search(searched))
    for words in (
        "Best of 4 trials of lora: lr 0.001, targets all",
        "The adapter helps on 106 held-out rows.",
        "Part of it is luck.",
        "Winner’s loss on validation rows 2.25",
        "Winner’s loss on test rows 2.50",
        "Looks, and tokens read in them 6, 1,234",
        "4 to 25 %, 1 to 100 %",
        "12.5 s in all; all rungs done",
        "trial-02 0.1 all – 0 % 1.50 s loss nan at step 3",
        "trial-01: lr 0.01, targets <b>q</b>; loss 3.50, 25 % learned, left behind",
    ):
        assert words in page.text, words
    assert [words.split(".")[0][:40] for words in page.pictures()[-4:]] == [
        "Held-out loss of 3 trials while they lea",
        "Lowest held-out loss of each trial again",
        "Lowest held-out loss of each trial again",
        "When each of 4 trials learned, in 12",
    ]
    assert [link["href"] for link in page.all("a")] == ["best/report.html"]
    assert not page.all("script")
    assert len(page.all("rect")) >= 5, "a bar for each rung that a trial came to"


def test_a_search_that_cannot_be_read_is_named(searched):
    (searched / "search.json").write_text(json.dumps({"trials": [{"loss": "low"}]}))
    with pytest.raises(UserError, match=r"search\.json does not describe a search: `trials\.0\.loss`"):
        report.write_search(searched)


def test_a_logarithmic_scale_is_even_over_orders_of_magnitude():
    scale = scale_of(SPACE["lr"])
    assert isinstance(scale, Logarithmic)
    assert [scale.share(value) for value in (1e-4, 1e-3, 1e-2, 1e-1)] == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert [words for _, words in scale.ticks(5)] == ["0.0001", "0.001", "0.01", "0.1"]
    assert [words for _, words in Logarithmic(0.01, 0.1).ticks(5)] == ["0.01", "0.02", "0.05", "0.1"]


def test_choices_stand_side_by_side():
    assert Beside([4, 8]).ticks(5) == [(0.25, "4"), (0.75, "8")]


def test_a_loss_far_off_does_not_flatten_the_others():
    axis = loss_axis([2.0, 2.1, 2.2, 2.4, 900.0])
    assert axis.low < 2.0
    assert axis.high < 4
    assert loss_axis([1.0]).high > 1.0
