"""Everything a user can get wrong through the Python API, and the one line that puts it right: cause, place, remedy."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from capotasto import TuneSettings, load_adapter, load_base, new_prompt, tune, tune_many
from capotasto.artifact import save_adapter
from capotasto.errors import UserError
from capotasto.evaluate.metrics import METRICS
from capotasto.methods import METHODS
from capotasto.session import Base
from tests.experiment.runs import QUICK, tune_until, write_rows
from tests.making import make_base
from tests.refusing import refused


@dataclass
class Desk:
    """What a case has at hand: a base, good data, and an empty folder."""

    base: Base
    folder: Path

    @property
    def good(self) -> Path:
        return write_rows(self.folder / "good.csv")

    def tune(self, data: Path | str | None = None, **settings: object) -> None:
        tune(self.base, data or self.good, out=self.folder / "out", **{**QUICK, **settings})

    def file(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def adapter(self, vectors: torch.Tensor) -> Path:
        save_adapter(new_prompt(self.base, "a", tokens=4), self.folder / "a", self.base, {})
        save_file({"prompt_embeddings": vectors}, self.folder / "a" / "adapter_model.safetensors")
        return self.folder / "a"


@pytest.fixture
def desk(base: Base, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    base.adapters.clear()
    return Desk(base, tmp_path)


def csv(*rows: str, header: str = "text,label") -> str:
    return "\n".join([header, *rows]) + "\n"


TWELVE = [f"row {i},{'ab'[i % 2]}" for i in range(12)]
PAIRS = [json.dumps({"prompt": f"question {i}", "completion": "yes"}) for i in range(12)]


def text_of_one_token(desk: Desk) -> None:
    desk.tune(desk.file("d.csv", csv("a", *"bcdefghijkl", header="text")))


def long_completion(desk: Desk) -> None:
    row = json.dumps({"prompt": "q", "completion": "xyz" * 300})
    desk.tune(desk.file("d.jsonl", "\n".join([row, *PAIRS])))


def adapter_of_another_base(desk: Desk) -> None:
    desk.adapter(torch.randn(4, 32))
    other = make_base("gpt2", torch.float32)
    load_adapter(desk.folder / "a", other)


def pickle(desk: Desk) -> None:
    folder = desk.adapter(torch.randn(4, 32))
    torch.save({}, folder / "adapter_model.bin")
    (folder / "adapter_model.safetensors").unlink()
    load_adapter(folder, desk.base)


def truncated_adapter(desk: Desk) -> None:
    path = desk.adapter(torch.randn(4, 32)) / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:-9])
    load_adapter(path.parent, desk.base)


def pickled_base(desk: Desk) -> None:
    desk.file("config.json", "{}")
    torch.save({}, desk.folder / "pytorch_model.bin")
    load_base(str(desk.folder))


def interrupted(desk: Desk) -> Path:
    """A run that was stopped on its way; its checkpoint."""
    tune_until(6, desk.base, desk.good, desk.folder / "out", **QUICK)
    return desk.folder / "out" / "checkpoint.safetensors"


def checkpoint_of_another_training(desk: Desk) -> None:
    interrupted(desk)
    desk.tune(resume=True, seed=9)


def damaged_checkpoint(desk: Desk) -> None:
    path = interrupted(desk)
    path.write_bytes(path.read_bytes()[:-9])
    desk.tune(resume=True)


def filled_folder(desk: Desk) -> None:
    interrupted(desk)
    desk.tune()


def out_is_a_file(desk: Desk) -> None:
    desk.file("out", "")
    desk.tune()


def from_narrow(desk: Desk) -> None:
    folder = desk.adapter(torch.randn(4, 16))
    desk.tune(init=f"from:{folder}")


def from_nan(desk: Desk) -> None:
    folder = desk.adapter(torch.full((4, 32), float("nan")))
    desk.tune(init=f"from:{folder}")


def from_empty(desk: Desk) -> None:
    folder = desk.adapter(torch.ones(0, 32))
    desk.tune(init=f"from:{folder}")


# What is done → words that the message has: the cause, the place, the remedy. {folder} is where the files lie.
CASES: dict[str, tuple[Callable[[Desk], object], list[str]]] = {
    "no such file": (lambda d: d.tune(d.folder / "no.csv"), ["no data file", "{folder}/no.csv", "check the path"]),
    "a folder": (lambda d: d.tune(d.folder), ["{folder} is a folder", "give one data file"]),
    "unknown ending": (lambda d: d.tune(d.file("d.xyz", "a")), ["{folder}/d.xyz", "'.xyz'", "to one of .csv"]),
    "empty file": (lambda d: d.tune(d.file("d.csv", "")), ["{folder}/d.csv is empty", "at least one row"]),
    "only a header": (lambda d: d.tune(d.file("d.csv", csv())), ["{folder}/d.csv", "no rows", "at least one"]),
    "not UTF-8": (
        lambda d: d.tune(d.file("d.csv", b"text,label\nr\xe9sum\xe9,a\n")),
        ["d.csv:2 is not UTF-8", "byte 12", "iconv -f latin1"],
    ),
    "a CSV line too long": (
        lambda d: d.tune(d.file("d.csv", csv(*TWELVE, "a,b,c"))),
        ["d.csv:14", "3 cells found, 2 expected", "double quotes", "--on-bad-row skip"],
    ),
    "an open quote": (
        lambda d: d.tune(d.file("d.csv", csv(*TWELVE, '"never closed,a'))),
        ["d.csv:14", "never closed", "twice"],
    ),
    "a broken JSON line": (
        lambda d: d.tune(d.file("d.jsonl", "\n".join([*PAIRS, '{"prompt": "a"']))),
        ["d.jsonl:13", "not valid JSON at column", "--on-bad-row skip"],
    ),
    "broken JSON": (lambda d: d.tune(d.file("d.json", '[{"text": }]')), ["d.json", "not valid JSON", "column"]),
    "columns that say nothing": (
        lambda d: d.tune(d.file("d.csv", csv("a,b", header="foo,bar"))),
        ["cannot tell the task from the columns", "d.csv (foo, bar)", "--map"],
    ),
    "a mapped column that is absent": (
        lambda d: d.tune(map={"text": "txt", "label": "label"}),
        ["{folder}/good.csv has no column 'txt'", "--map", "did you mean 'text'"],
    ),
    "a mapping that is no mapping": (lambda d: d.tune(map="text"), ["'map'", "in tune", "prompt=question"]),
    "no row that counts": (
        lambda d: d.tune(d.file("d.csv", csv(*(f"{row},0" for row in TWELVE), header="text,label,w")), map="weight=w"),
        ["every training row of {folder}/d.csv has the weight 0", "give some of them more"],
    ),
    "one class only": (
        lambda d: d.tune(d.file("d.csv", csv(*(f"row {i},a" for i in range(12))))),
        ["{folder}/d.csv", "all 12 rows have the same label 'a'", "--map text=COLUMN"],
    ),
    "too few rows to split": (
        lambda d: d.tune(d.file("d.csv", csv("the rain,a", "the sun,b"))),
        ["too few rows to split into train, val, test", "2 rows", "add rows"],
    ),
    "fractions that do not split": (lambda d: d.tune(val=0.6, test=0.5), ["val=0.6", "test=0.5", "below 1"]),
    "an empty completion": (
        lambda d: d.tune(d.file("d.jsonl", "\n".join([*PAIRS, '{"prompt": "a", "completion": ""}']))),
        ["d.jsonl:13", "'completion' is empty", "--on-bad-row skip"],
    ),
    "nothing is supervised": (text_of_one_token, ["d.csv:", "no token of this row is supervised", "completion"]),
    "a completion that does not fit": (
        long_completion,
        ["d.jsonl:1", "the completion takes 901 tokens", "shorten it", "--max-length", "longer context"],
    ),
    "a prompt that does not fit": (
        lambda d: d.base.generate(["xyz" * 400]),
        ["prompt 1 has", "context of 256", "shorten it or lower --max-new-tokens"],
    ),
    "an unknown setting": (
        lambda d: d.tune(learning_rate=1), ["unknown setting 'learning_rate' in tune", "known: ", "lr"],
    ),
    "a misspelt setting": (lambda d: d.tune(epoch=1), ["unknown setting 'epoch' in tune", "did you mean 'epochs'"]),
    "a setting of the wrong kind": (lambda d: d.tune(epochs="many"), ["'epochs' in tune", "integer", "got 'many'"]),
    "a setting out of range": (lambda d: d.tune(lr=-1.0), ["'lr' in tune", "greater than 0", "got -1.0"]),
    "a value out of a list": (lambda d: d.tune(on_bad_row="ignore"), ["'on_bad_row' in tune", "'stop' or 'skip'"]),
    "settings of a missing YAML file": (
        lambda d: TuneSettings.from_yaml(d.folder / "no.yaml"),
        ["no settings file at {folder}/no.yaml", "check the path"],
    ),
    "settings of a YAML file with an unknown key": (
        lambda d: TuneSettings.from_yaml(d.file("c.yaml", "epoch: 3")),
        ["unknown setting 'epoch' in {folder}/c.yaml", "did you mean 'epochs'"],
    ),
    "more virtual tokens than the context": (
        lambda d: d.tune(tokens=256), ["256 virtual tokens", "context of 256", "fewer with --tokens"],
    ),
    "an unknown base": (lambda d: load_base("smolm2-135m"), ["base 'smolm2-135m'", "did you mean 'smollm2-135m'"]),
    "no base there": (lambda d: load_base(str(d.folder / "no")), ["no folder at {folder}/no", "`capo bases`"]),
    "a pickled base": (pickled_base, ["{folder}/pytorch_model.bin is a pickle", "refused", "convert the weights"]),
    "an unknown adapter": (lambda d: d.base.generate(["a"], ["x"]), ["no adapter 'x' on this base", "known: none"]),
    "no adapter there": (lambda d: load_adapter(d.folder, d.base), ["no adapter at {folder}", "`capo tune` wrote"]),
    "an adapter of another base": (
        adapter_of_another_base, ["{folder}/a was made for base memory", "this is memory", "load it with --base"],
    ),
    "a pickled adapter": (pickle, ["{folder}/a holds adapter_model.bin, a pickle", "refused", "save it as"]),
    "a truncated adapter": (truncated_adapter, ["{folder}/a/adapter_model.safetensors", "damaged", "again"]),
    "an adapter with NaN": (
        lambda d: load_adapter(d.adapter(torch.full((4, 32), float("nan"))), d.base),
        ["{folder}/a", "not finite", "train it again"],
    ),
    "an adapter with inf": (
        lambda d: load_adapter(d.adapter(torch.full((4, 32), float("inf"))), d.base),
        ["{folder}/a", "not finite", "train it again"],
    ),
    "a training that explodes": (
        lambda d: d.tune(lr=1e30), ["out: a virtual token", "at step 1", "--force", "below --lr 1e+30"],
    ),
    "a folder with something in it": (filled_folder, ["--out {folder}/out is not empty", "--resume", "--force"]),
    "a file for a folder": (out_is_a_file, ["--out {folder}/out is a file", "name a folder"]),
    "the checkpoint of another training": (
        checkpoint_of_another_training,
        ["{folder}/out/checkpoint.safetensors", "another base, data or settings", "--force"],
    ),
    "a damaged checkpoint": (damaged_checkpoint, ["{folder}/out/checkpoint.safetensors is damaged", "--force"]),
    "an unknown method": (lambda d: d.tune(method="prmpt"), ["unknown method 'prmpt'", "did you mean 'prompt'"]),
    "an unknown init": (
        lambda d: d.tune(init="vocabulary"), ["unknown init 'vocabulary'", "did you mean 'vocab'", "text:YOUR WORDS"],
    ),
    "an unknown placement": (
        lambda d: d.tune(placement="end"), ["'placement' in tune", "'front', 'after_bos' or 'system'"],
    ),
    "an unknown metric": (lambda d: METRICS["f1_macro"], ["unknown metric 'f1_macro'", "did you mean 'macro_f1'"]),
    "an unknown tracker": (lambda d: d.tune(report_to="tensorbored"), ["'report_to' in tune", "'tensorboard'"]),
    "labels as a start without labels": (
        lambda d: d.tune(d.file("d.jsonl", "\n".join(PAIRS)), init="labels"),
        ["--init labels needs data with labels", "--init text:"],
    ),
    "a start of no words": (lambda d: d.tune(init="text:"), ["the text of --init is empty", "--init text:"]),
    "a start from nowhere": (
        lambda d: d.tune(init="from:nowhere"), ["--init from:nowhere: cannot read", "name a folder with an adapter"],
    ),
    "a start from a narrower base": (from_narrow, ["--init from:{folder}/a", "32 wide", "a base like this one"]),
    "a start from NaN": (from_nan, ["--init from:{folder}/a", "not finite", "another adapter"]),
    "a start from no vectors": (from_empty, ["--init from:{folder}/a", "no soft prompt", "a base like this one"]),
    "no test rows": (lambda d: d.tune(test=0), ["no test rows of {folder}/good.csv", "--test above 0"]),
    "too many adapters": (lambda d: d.base.loss(["a"], [None, None]), ["1 rows and 2 adapters", "one for each row"]),
    "two adapters of one name": (
        lambda d: tune_many(d.base, {d.folder / s / "x": (str(d.good), TuneSettings(**QUICK)) for s in "lr"}),
        ["{folder}/l/x and {folder}/r/x", "'x'", "--name"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_one_line_says_cause_place_and_remedy(desk: Desk, case: str) -> None:
    act, words = CASES[case]
    with refused(*(word.format(folder=desk.folder) for word in words)) as caught:
        act(desk)
    message = str(caught.value)
    assert "Traceback" not in message
    assert not message.endswith((".", " "))
    assert caught.value.exit_code in (2, 3)


@pytest.mark.parametrize("case", ["an unknown method", "an unknown init", "one class only", "no test rows"])
def test_a_refused_run_leaves_no_trace(desk: Desk, case: str) -> None:
    """So that the same command, put right, is not refused for what the wrong one left."""
    with pytest.raises(UserError):
        CASES[case][0](desk)
    out = desk.folder / "out"
    assert not out.exists() or not list(out.iterdir())


def test_every_method_is_what_its_name_says() -> None:
    assert {name: METHODS[name].method for name in METHODS} == {name: name for name in METHODS}  # type: ignore[attr-defined]
