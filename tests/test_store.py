"""Versions that never change, tags that move, and nothing that leaves the store's folder."""

from multiprocessing import get_context
from pathlib import Path

import pytest
import torch

from capotasto import artifact
from capotasto.errors import AdapterError
from capotasto.session import Base, load_adapter
from capotasto.store import Store
from tests.making import logits_of, make_adapter, make_rows
from tests.refusing import refused


def make_run(base: Base, folder: Path, seed: int = 0, method: str = "prompt") -> Path:
    artifact.save_adapter(make_adapter(method, base, seed=seed, name="coach"), folder, base, {})
    (folder / "log.jsonl").write_text("{}\n")
    return folder


@pytest.mark.parametrize("method", ["prompt", "prompt+lora", "full"])
def test_what_comes_out_is_what_went_in(base: Base, tmp_path: Path, method: str) -> None:
    run = make_run(base, tmp_path / "run", method=method)
    store = Store(tmp_path / "store")
    assert store.add(run) == "coach@1"
    rows = make_rows(base, 3)
    one, other = (load_adapter(folder, base) for folder in (run, store.find("coach")))
    for before, after in zip(logits_of(base, rows, [one] * 3), logits_of(base, rows, [other] * 3), strict=True):
        assert torch.equal(before, after)
    assert not (store.find("coach") / "log.jsonl").exists()


def test_versions_stay_and_tags_move(base: Base, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    runs = [make_run(base, tmp_path / str(seed), seed) for seed in range(3)]
    assert [store.add(run) for run in runs] == ["coach@1", "coach@2", "coach@3"]
    assert store.add(runs[1]) == "coach@2", "the same files are the same version"
    store.tag("coach@1", "live")
    assert store.find("coach:live") == tmp_path / "store/coach/1"
    store.tag("coach@2", "live")
    again = Store(tmp_path / "store")
    assert again.find("coach:live") == tmp_path / "store/coach/2"
    assert again.find("coach") == tmp_path / "store/coach/3"
    assert again.remove("coach@2") == ["coach@2"]
    assert "live" not in again.entries["coach"].tags
    assert again.add(runs[1]) == "coach@4", "a number is used once, while others of the name live"
    assert again.remove("coach") == ["coach@1", "coach@3", "coach@4"]
    assert len(Store(tmp_path / "store")) == 0


def test_an_interrupted_copy_is_replaced(base: Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "store")
    run = make_run(base, tmp_path / "run")

    def broken(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("capotasto.store._version", broken)
        with pytest.raises(KeyboardInterrupt):
            store.add(run)
    assert len(Store(tmp_path / "store")) == 0
    assert Store(tmp_path / "store").add(run) == "coach@1"


def _add(store: str, run: str, name: str) -> None:
    Store(store).add(run, name)


def test_two_processes_add_at_once(base: Base, tmp_path: Path) -> None:
    run = make_run(base, tmp_path / "run")
    context = get_context("forkserver")
    work = [context.Process(target=_add, args=(str(tmp_path / "store"), str(run), f"n{i}")) for i in range(4)]
    for process in work:
        process.start()
    for process in work:
        process.join(60)
    assert sorted(Store(tmp_path / "store").entries) == ["n0", "n1", "n2", "n3"]


BAD = {
    "coach@7": ["coach@7", "there is: coach@1"],
    "coach:live": ["coach:live", "there is: none"],
    "coahc": ["no adapter 'coahc'", "coach"],
    "../coach": ["no adapter '../coach'"],
}


@pytest.mark.parametrize("reference", BAD)
def test_an_unknown_reference_names_what_there_is(base: Base, tmp_path: Path, reference: str) -> None:
    store = Store(tmp_path / "store")
    store.add(make_run(base, tmp_path / "run"))
    with refused(*BAD[reference], kind=AdapterError):
        store.find(reference)


@pytest.mark.parametrize("name", ["../up", "a/b", ".hidden", "", "x" * 65, "a b", "a@1", "a:b"])
def test_a_name_is_a_plain_word(base: Base, tmp_path: Path, name: str) -> None:
    run = make_run(base, tmp_path / "run")
    store = Store(tmp_path / "store")
    if name:
        with pytest.raises(AdapterError, match="cannot be an adapter's name"):
            store.add(run, name)
    store.add(run)
    with pytest.raises(AdapterError, match="cannot be a tag"):
        store.tag("coach", name)


def test_what_is_no_adapter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match=r"holds no \.safetensors file"):
        Store(tmp_path / "store").add(tmp_path)
    outside = tmp_path / "outside"
    outside.write_text("secret")
    run = tmp_path / "run"
    run.mkdir()
    (run / "adapter_model.safetensors").symlink_to(outside)
    with pytest.raises(AdapterError, match="is a link"):
        Store(tmp_path / "store").add(run)
    (tmp_path / "store").mkdir(exist_ok=True)
    (tmp_path / "store" / "index.json").write_text("[1]")
    with pytest.raises(AdapterError, match="no index of a store"):
        Store(tmp_path / "store")
