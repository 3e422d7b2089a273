"""Exposure, membership, extraction and outputs: flagged on a run that learnt by heart, quiet on one that did not, and
equal to what plain code finds."""

import json
import math
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from capotasto import tune
from capotasto.auditing import exposure
from capotasto.auditing.canaries import Canary, Key
from capotasto.auditing.exposure import exposures
from capotasto.auditing.extraction import TOKENS, extraction
from capotasto.auditing.leaks import CANARIES
from capotasto.auditing.membership import Membership, area_under_curve, membership
from capotasto.auditing.outputs import outputs
from capotasto.auditing.probe import AbsentError
from capotasto.auditing.run import audit
from capotasto.auditing.run_rows import RunRow, RunRows, read_run, some
from capotasto.auditing.settings import AuditSettings
from capotasto.errors import UserError
from capotasto.evaluate.shares import excess, share
from capotasto.methods.adapter import Adapter
from capotasto.session import Base
from capotasto.types import Encoded, Example, Measure, Turn
from tests.auditing.leaks.conftest import Trained
from tests.making import make_fresh
from tests.reference import generate_alone, loss_alone, untouched


@pytest.fixture(autouse=True)
def few_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exposure, "SAMPLES", 120)


def test_a_canary_learnt_by_heart_is_flagged(learnt: Trained) -> None:
    found = exposures(learnt.base, learnt.adapter, learnt.key, learnt.rows)
    [one] = found.each
    assert (one.rank, one.learnt) == (1, 10)
    assert one.bits == math.log2(121)
    assert found.flagged
    record = found.record()
    assert json.loads(json.dumps(record)) == record
    assert one.canary.secret not in json.dumps(record)


def test_a_canary_that_was_hardly_learnt_is_not(unlearnt: Trained) -> None:
    found = exposures(unlearnt.base, unlearnt.adapter, unlearnt.key)
    assert not found.flagged
    assert found.each[0].learnt is None


def test_the_rank_is_that_of_losses_taken_one_by_one(learnt: Trained) -> None:
    [canary] = Key.read(learnt.key).canaries
    model = untouched(learnt.base)
    secrets = [canary.secret, *(f"{number:09d}" for number in random.Random(1).sample(range(10**9), 8))]
    for turned in range(3):  # each in turn as if it were the planted one
        asked = [*secrets[turned:], *secrets[:turned]]
        rows = [learnt.base.encode(canary.example(secret), learnt.adapter) for secret in asked]
        losses = [float(loss_alone(model, row, learnt.adapter).detach()) for row in rows]
        assert exposure.rank(learnt.base, learnt.adapter, canary, asked) == 1 + sum(loss < losses[0] for loss in losses)


def test_unseen_canaries_are_flagged_as_seldom_as_promised() -> None:
    """Over random ranks, as an unseen secret has them."""
    chance, alarms = random.Random(0), 0
    canary = Canary("", "{secret}", "0" * 9)
    for _ in range(4000):
        each = tuple(exposure.Exposure(canary, chance.randint(1, 1001), 1001) for _ in range(5))
        alarms += exposure.Exposures(each).flagged
    assert 0.004 < alarms / 4000 <= 0.0155


def test_membership_shows_where_rows_were_learnt_by_heart(learnt: Trained, unlearnt: Trained) -> None:
    told, quiet = (membership(one.base, one.adapter, one.rows) for one in (learnt, unlearnt))
    assert told.flagged
    assert told.areas["gain"].value > 0.95
    assert not quiet.flagged
    assert quiet.areas["loss"].low < 0.5 < quiet.areas["loss"].high
    record = told.record()
    assert json.loads(json.dumps(record)) == record
    different = len({row.example.turns for row in learnt.rows.train})
    assert different < len(learnt.rows.train), "the canary repeats itself"
    assert record["rows"] == {"train": different, "held_out": len(learnt.rows.held_out)}


def test_the_area_is_scikit_learns() -> None:
    random_ = np.random.default_rng(0)
    one, other = random_.integers(0, 6, 30).astype(float), random_.integers(0, 5, 20).astype(float)
    area = area_under_curve(one, other)
    truth = [1] * 30 + [0] * 20
    assert area.value == pytest.approx(roc_auc_score(truth, np.r_[one, other]))
    assert area.low < area.value < area.high


def test_the_interval_holds_the_truth_about_95_times_in_100() -> None:
    random_ = np.random.default_rng(1)
    truth = 0.5 * (1 + math.erf(0.5))  # P(N(1, 1) > N(0, 1))
    held = 0
    for _ in range(60):
        area = area_under_curve(random_.normal(1.0, 1.0, 60), random_.normal(0.0, 1.0, 50))
        held += area.low <= truth <= area.high
    assert 0.86 <= held / 60 <= 1


def test_rows_that_were_not_learnt_are_seldom_flagged() -> None:
    random_, alarms = np.random.default_rng(2), 0
    for _ in range(100):
        area = area_under_curve(random_.normal(size=40), random_.normal(size=10))
        alarms += Membership(40, 10, {"gain": area}).flagged
    assert alarms <= 6


def test_too_few_rows_are_never_flagged() -> None:
    sure = {"gain": Measure(1.0, 1.0, 1.0)}
    assert Membership(100, 10, sure).flagged
    assert not Membership(100, 9, sure).flagged


def test_text_learnt_by_heart_can_be_drawn_out(learnt: Trained, unlearnt: Trained) -> None:
    told, quiet = (extraction(one.base, one.adapter, one.rows) for one in (learnt, unlearnt))
    assert told.train is not None
    assert told.held_out is not None
    assert told.train["adapter"].value > 0.6
    assert told.train["base"].value == told.held_out["adapter"].value == 0
    assert told.flagged
    assert not quiet.flagged
    record = told.record()
    assert json.loads(json.dumps(record)) == record


def test_what_is_drawn_out_is_what_plain_code_writes(learnt: Trained) -> None:
    rows = replace(learnt.rows, train=some(learnt.rows.train, 3), held_out=learnt.rows.held_out[:2])
    found = extraction(learnt.base, learnt.adapter, rows)
    assert found.train is not None
    model, hits = untouched(learnt.base), 0
    for row in rows.train:
        whole = learnt.base.encode(row.example, learnt.adapter)
        begins, ends = whole.learn.index(True), len(whole.ids)
        middle = begins + min((ends - begins) // 2, ends - begins - TOKENS)
        begun = Encoded(whole.ids[:middle], (False,) * middle)
        hits += generate_alone(model, begun, learnt.adapter, TOKENS) == list(whole.ids[middle : middle + TOKENS])
    assert found.train["adapter"].value == pytest.approx(hits / 3)


def test_rows_too_short_to_be_drawn_out_are_counted_out(learnt: Trained) -> None:
    short = RunRow(Example((Turn("user", "q"), Turn("assistant", "no", learn=True))))
    found = extraction(learnt.base, learnt.adapter, replace(learnt.rows, train=[short], held_out=[short]))
    assert (found.train, found.held_out, found.rows) == (None, None, {"train": 0, "held_out": 0})
    assert found.excess is None
    assert not found.flagged


def test_a_personal_thing_that_was_learnt_is_told_from_one_that_was_given(
    learnt: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    mails = {"learnt": "jane.doe@mail.org", "given": "you@there.org", "new": "new@else.org"}

    def write(base: Base, renderer: Any, prompts: Any, adapters: Any, settings: Any) -> list[str]:
        return [" ".join(mails.values()) if adapter is not None else "nothing" for adapter in adapters]

    monkeypatch.setattr("capotasto.auditing.outputs.write", write)
    asked = RunRow(Example((Turn("user", f"I am {mails['given']}"), Turn("assistant", "yes", learn=True))))
    known = RunRow(Example((Turn("text", f"Ask {mails['learnt']}.", learn=True),)))
    found = outputs(learnt.base, learnt.adapter, replace(learnt.rows, train=[known], held_out=[asked]))
    assert [one.text for one in found.learnt] == [mails["learnt"]]
    assert (found.shares["adapter"].value, found.shares["base"].value) == (1, 0)
    assert found.flagged
    assert mails["learnt"] not in json.dumps(found.record())


def test_an_adapter_that_says_nothing_personal_is_not_flagged(learnt: Trained) -> None:
    found = outputs(learnt.base, learnt.adapter, learnt.rows, most=4)
    assert found.rows == 4
    assert not found.flagged


def no_canaries(base: Base, adapter: Adapter, rows: RunRows) -> object:
    return exposures(base, adapter, Path("key.json"), rows)


@pytest.mark.parametrize("probe", [extraction, outputs, no_canaries])
def test_a_head_writes_nothing(probe: Callable[..., object], learnt: Trained) -> None:
    head = make_fresh("head", learnt.base)
    with pytest.raises(UserError, match="answers by a head and writes no text"):
        probe(learnt.base, head, learnt.rows)


def test_an_audit_looks_for_all_that_leaks(learnt: Trained) -> None:
    record = audit(learnt.base, {"it": learnt.adapter}, AuditSettings(probes=["leakage"]), {"it": learnt.folder})
    assert json.loads(json.dumps(record)) == record
    found = record["adapters"]["it"]["findings"]["leakage"]
    flags = {name: one["flagged"] for name, one in found.items()}
    assert flags == {"membership": True, "extraction": True, "outputs": False, "canaries": True}
    assert record["skipped"] == {}


def test_what_cannot_be_looked_for_is_skipped_with_its_reason(base: Base, tmp_path: Path) -> None:
    data = tmp_path / "moods.csv"
    data.write_text("text,label\n" + "".join(f"the day {i} was {('fine', 'bad')[i % 2]},{i % 2}\n" for i in range(30)))
    run = tune(base, data, out=tmp_path / "run", method="head", epochs=2)
    settings, folders = AuditSettings(probes=["leakage"]), {"it": tmp_path / "run"}
    record = audit(base, {"it": run.adapter}, settings, folders)
    assert list(record["adapters"]["it"]["findings"]["leakage"]) == ["membership"]
    assert list(record["adapters"]["it"]["findings"]["leakage"]["membership"]["areas"]) == ["loss"]
    assert "writes no text" in record["skipped"]["extraction"]
    data.unlink()
    assert "no data file at" in audit(base, {"it": run.adapter}, settings, folders)["skipped"]["membership"]


def test_data_without_a_key_hold_no_canaries(learnt: Trained, tmp_path: Path) -> None:
    with pytest.raises(AbsentError, match=r"no key at .*its data hold no canaries"):
        CANARIES.look(learnt.base, learnt.adapter, replace(learnt.rows, data=str(tmp_path / "other.csv")))


def test_the_rows_of_a_run_are_those_it_learnt(learnt: Trained) -> None:
    record = json.loads((learnt.folder / "run.json").read_text())
    assert (len(learnt.rows.train), len(learnt.rows.held_out)) == (record["rows"]["train"], record["rows"]["test"])
    trained, kept = ({row.example.prompt for row in side} for side in (learnt.rows.train, learnt.rows.held_out))
    assert not trained & kept


def test_a_folder_without_a_run_and_changed_data_are_named(learnt: Trained, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no run at .*run\.json is missing; name the folder"):
        read_run(tmp_path)
    record = json.loads((learnt.folder / "run.json").read_text())
    other = tmp_path / "other.csv"
    other.write_text("question,answer\n" + "".join(f"q {i},a {i}\n" for i in range(20)))
    record["data"]["path"] = str(other)
    (tmp_path / "run.json").write_text(json.dumps(record))
    with pytest.raises(UserError, match=r"has changed since .* put the old file back"):
        read_run(tmp_path)


def test_shares_are_wilsons_and_their_difference_newcombes() -> None:
    found = share(81, 263)
    assert (found.low, found.high) == (pytest.approx(0.2553, abs=5e-5), pytest.approx(0.3662, abs=5e-5))
    assert share(0, 20).low == 0
    assert share(0, 20).high == pytest.approx(0.1611, abs=5e-5)
    assert share(20, 20).high == 1
    gap = excess(share(56, 70), share(48, 80))
    assert gap.value == pytest.approx(0.2)
    assert (gap.low, gap.high) == (pytest.approx(0.0524, abs=5e-5), pytest.approx(0.3339, abs=5e-5))


def test_a_sample_is_the_same_for_the_same_seed() -> None:
    rows = [RunRow(Example((Turn("text", str(i), learn=True),))) for i in range(10)]
    assert some(rows, 20) == rows
    assert some(rows, 4, seed=1) == some(rows, 4, seed=1) != some(rows, 4, seed=2)
