"""Virtual tokens that start as training rows: few-shot learning to begin with."""

from pathlib import Path

import pytest
import torch

from capotasto import tune
from capotasto.errors import SettingError
from capotasto.experiment.reading import read_splits
from capotasto.experiment.settings import TuneSettings
from capotasto.experiment.start import example_ids
from capotasto.session import Base
from capotasto.types import Encoded
from tests.experiment.runs import QUICK
from tests.making import logits_of, make_rows

STILL = {**QUICK, "init": "examples:2", "tokens": 200, "epochs": 1, "lr": 1e-12}  # hardly moves from its start


@pytest.mark.parametrize("method", ["prompt", "prefix"])
def test_it_starts_as_the_rows_read_before_the_question(base: Base, rows: Path, tmp_path: Path, method: str) -> None:
    run = tune(base, rows, out=tmp_path / "few", **{**STILL, "method": method})
    train = read_splits(str(rows), TuneSettings(**STILL))[1].train
    ids = tuple(example_ids("examples:2", train, base.renderer(), 200, 0))
    assert run.adapter.tokens == len(ids) < 200
    assert run.record["init"]["kind"] == "examples"
    assert run.record["init"]["detail"] == "2"
    row = make_rows(base, 1)[0]
    longer = Encoded((*ids, *row.ids), (False,) * (len(ids) + len(row.ids)))
    found, wanted = logits_of(base, [row], [run.adapter])[0], logits_of(base, [longer], [None])[0]
    torch.testing.assert_close(found[-len(row.ids) :], wanted[-len(row.ids) :], rtol=0, atol=1e-4)


def test_the_text_is_cut_at_the_number_of_tokens(base: Base, rows: Path, tmp_path: Path) -> None:
    assert tune(base, rows, out=tmp_path / "few", **{**STILL, "tokens": 7}).adapter.tokens == 7


@pytest.mark.parametrize("init", ["examples", "examples:0", "examples:x", "examples:99"])
def test_a_number_of_examples_that_cannot_be_is_refused(base: Base, rows: Path, tmp_path: Path, init: str) -> None:
    with pytest.raises(SettingError, match=r"write examples:K with K from 1 to 34, the training rows"):
        tune(base, rows, out=tmp_path / "few", **{**STILL, "init": init})
