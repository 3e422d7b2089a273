"""Adapters that come and go while the server runs: only sound ones, from allowed places, and at once."""

import copy
import difflib
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from capotasto.artifact import WEIGHTS, save_adapter
from capotasto.serve import soundness
from capotasto.serve.own_tensors import own_bytes
from capotasto.serve.shelf import Shelf
from capotasto.session import Base
from capotasto.store import Store
from tests.making import make_adapter, make_base, make_fresh
from tests.serve.engines import Patient
from tests.serve.serving import Served, served
from tests.tiny import tiny_model

KINDS = [
    "prompt",
    "ptuning",
    "residual",
    "prefix",
    "gated",
    "lora",
    "bottleneck",
    "head",
    "full",
    "peft",
    "prompt+lora",
]


@dataclass
class Place:
    """A server over a folder that the test may fill."""

    base: Base
    twin: Base
    folder: Path
    running: Served

    def put(self, name: str, method: str = "prompt", seed: int = 0) -> Path:
        save_adapter(make_adapter(method, self.twin, seed=seed, name=name), self.folder / name, self.twin, {})
        return self.folder / name

    def load(self, name: str, source: str) -> tuple[int, str]:
        heard = self.running.ask("POST", "/v1/adapters", {"name": name, "source": source})
        return heard.status, heard.message if heard.status >= 400 else ""

    def text(self, name: str) -> str:
        heard = self.running.post("/v1/completions", model=name, prompt="sun", temperature=0, max_tokens=6)
        return heard.json["choices"][0]["text"] if heard.status == 200 else f"{heard.status} {heard.message}"


@pytest.fixture
def place(base: Base, twin: Base, tmp_path: Path) -> Iterator[Place]:
    (tmp_path / "adapters").mkdir()
    with served(base, adapters_dir=tmp_path / "adapters") as running:
        yield Place(base, twin, (tmp_path / "adapters").resolve(), running)


@pytest.mark.parametrize("method", KINDS)
def test_every_kind_is_loaded_while_the_server_runs(place: Place, method: str) -> None:
    folder = place.put("one", method)
    assert place.load("mine", "one") == (200, "")
    card = {one["name"]: one for one in place.running.get("/v1/adapters").json["data"]}["mine"]
    assert card["in_memory"]
    if method != "head":
        adapter = soundness.read(folder, place.twin, "x")
        wanted = place.twin.generate(["sun"], [adapter], chat=False, max_new_tokens=6)[0]
        assert place.text("mine") == wanted


def test_vllm_s_names_do_the_same(place: Place) -> None:
    folder = place.put("one", "lora")
    asked = {"lora_name": "mine", "lora_path": str(folder)}  # an absolute path that leads inside is taken
    assert place.running.ask("POST", "/v1/load_lora_adapter", asked).status == 200
    assert place.text("mine") == place.text("one")
    assert place.running.ask("POST", "/v1/unload_lora_adapter", {"lora_name": "mine"}).status == 200
    assert place.text("mine").startswith("404")
    assert place.running.ask("POST", "/v1/unload_lora_adapter", {"lora_name": "mine"}).status == 404


def test_one_that_lies_there_is_read_on_first_use(place: Place) -> None:
    place.put("late")
    assert place.running.get("/v1/adapters").json["data"] == [
        {"name": "late", "in_memory": False, **dict.fromkeys(("method", "tokens", "labels", "bytes", "loaded"))}
    ]
    assert not place.text("late").startswith("4")
    assert place.running.get("/v1/adapters").json["data"][0]["in_memory"]
    assert place.running.ask("DELETE", "/v1/adapters/late").json == {"name": "late", "unloaded": True}
    assert place.text("late").startswith("404")  # gone, though it still lies there
    assert place.load("late", "late")[0] == 200
    assert not place.text("late").startswith("4")


def test_replacing_is_at_once_and_whole(place: Place) -> None:
    place.put("one", seed=1)
    place.put("two", "lora", seed=2)
    assert place.load("mine", "one")[0] == 200
    before = place.text("mine")
    assert place.load("mine", "two")[0] == 200
    assert place.text("mine") == place.text("two") != before == place.text("one")
    shutil.rmtree(place.folder / "two")
    assert place.load("mine", "two")[0] == 400
    assert place.text("mine") != before  # a failed replacement changes nothing


def test_a_request_ends_with_the_adapter_it_began_with(base: Base, tmp_path: Path) -> None:
    engine = Patient()
    for seed, name in enumerate(("one", "two")):
        save_adapter(make_adapter("prompt", base, seed=seed), tmp_path / name, base, {})
    with served(base, engine=engine, adapters_dir=tmp_path) as running:
        running.ask("POST", "/v1/adapters", {"name": "mine", "source": "one"})
        connection = running.connection("POST", "/v1/completions", {"model": "mine", "prompt": "a"})
        engine.wait(lambda it: len(it.asks) == 1)
        running.ask("POST", "/v1/adapters", {"name": "mine", "source": "two"})
        running.ask("DELETE", "/v1/adapters/mine")
        first = engine.asks[0].adapter
        assert first is not None
        assert torch.equal(first.embeds(), make_adapter("prompt", base, seed=0).embeds())  # type: ignore[arg-type]
        engine.finish()
        assert connection.getresponse().status == 200


def test_a_store_is_served_by_versions_and_tags(base: Base, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    for seed in (1, 2):
        save_adapter(make_adapter("prompt", base, seed=seed, name="tickets"), tmp_path / "a", base, {})
        store.add(tmp_path / "a")
    store.tag("tickets@1", "live")
    with served(base, store=tmp_path / "store") as running:
        place = Place(base, base, tmp_path, running)
        names = [one["id"] for one in running.get("/v1/models").json["data"]]
        assert names == ["memory", "tickets", "tickets:live", "tickets@1", "tickets@2"]
        assert place.text("tickets") == place.text("tickets@2") != place.text("tickets@1")
        assert place.text("tickets:live") == place.text("tickets@1")
        store.tag("tickets@2", "live")  # a tag that moves is followed
        assert place.text("tickets:live") == place.text("tickets@2")
        assert place.load("mine", "tickets@1")[0] == 200
        assert place.text("mine") == place.text("tickets@1")
        shutil.move(tmp_path / "store" / "tickets" / "1", tmp_path / "moved")
        (tmp_path / "store" / "tickets" / "1").symlink_to(tmp_path / "moved")
        assert place.load("other", "tickets@1")[0] == 400
        assert place.load("mine", "tickets@9") == (
            400,
            "no adapter at 'tickets@9'; name a folder inside the adapters' folder, or NAME@VERSION of the store",
        )


def change(place: Place, spoil: Callable[[dict[str, torch.Tensor]], None], method: str = "prompt") -> None:
    path = place.put("bad", method) / WEIGHTS
    tensors = load_file(path)
    spoil(tensors)
    save_file(tensors, path)


def not_a_number(place: Place) -> None:
    change(place, lambda tensors: tensors["prompt_embeddings"].view(-1)[3:4].fill_(float("nan")))


def huge(place: Place) -> None:
    change(place, lambda tensors: next(iter(tensors.values())).mul_(1e6), "lora")


def long_vectors(place: Place) -> None:
    change(place, lambda tensors: tensors["prompt_embeddings"].fill_(9999.0))


def wrong_width(place: Place) -> None:
    change(place, lambda tensors: tensors.update(prompt_embeddings=torch.randn(5, 31)))


def too_many_tokens(place: Place) -> None:
    change(place, lambda tensors: tensors.update(prompt_embeddings=torch.randn(300, 32)))


def loud(place: Place) -> None:
    config = place.put("bad", "lora") / "adapter_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "lora_alpha": 10**7}))


def truncated(place: Place) -> None:
    path = place.put("bad") / WEIGHTS
    path.write_bytes(path.read_bytes()[:-40])


def pickle(place: Place) -> None:
    (place.put("bad") / "extra.bin").write_bytes(b"\x80\x04.")


def linked_file(place: Place) -> None:
    path = place.put("bad") / WEIGHTS
    shutil.move(path, place.folder.parent / "elsewhere")
    path.symlink_to(place.folder.parent / "elsewhere")


def other_base(place: Place) -> None:
    other = make_base("gpt2", torch.float32)
    save_adapter(make_adapter("prompt", other), place.folder / "bad", other, {})


def odd_manifest(place: Place) -> None:
    (place.put("bad") / "manifest.json").write_text("[" * 3000)


def other_build(place: Place) -> None:
    folder = place.put("bad", "full")
    model = tiny_model("llama", torch.float32)
    model.resize_token_embeddings(310)
    model.save_pretrained(folder)


def one_layer_more(place: Place) -> None:
    folder = place.put("bad", "full")
    config = copy.deepcopy(place.twin.model.config)
    config.num_hidden_layers += 1
    config._attn_implementation = "eager"
    type(place.twin.model)(config).save_pretrained(folder)


def huge_model(place: Place) -> None:
    path = place.put("bad", "full") / "model.safetensors"
    save_file({name: tensor * 1e6 for name, tensor in load_file(path).items()}, path, {"format": "pt"})


def of_others(place: Place) -> None:
    (place.put("bad", "peft") / "manifest.json").unlink()
    path = place.folder / "bad" / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "adapters": {"a": "somebody/adapter"}}))


def xlora(place: Place) -> None:
    of_others(place)
    path = place.folder / "bad" / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "peft_type": "XLORA"}))


POISONED = [
    (not_a_number, "not finite"),
    (huge, "none may be beyond 1e+04"),
    (long_vectors, "times as long as the vocabulary"),
    (wrong_width, "31"),
    (too_many_tokens, "which fill the context"),
    (loud, "of its own output"),
    (truncated, "damaged"),
    (pickle, "is a pickle"),
    (linked_file, "is a link"),
    (other_base, "was made for base"),
    (odd_manifest, "adapter 'mine'"),
    (other_build, "is built otherwise than memory: lm_head.weight is [310, 32] there, and [304, 32] in the base"),
    (one_layer_more, "is built otherwise than memory: model.layers.2."),
    (huge_model, "none may be beyond 1e+04"),
    (of_others, "names other adapters"),
    (xlora, "of type 'XLORA'"),
]


@pytest.mark.parametrize(("poison", "words"), POISONED)
def test_a_poisoned_adapter_is_refused_and_the_rest_serve_on(
    place: Place, poison: Callable[[Place], None], words: str
) -> None:
    place.put("good")
    before = place.text("good")
    poison(place)
    status, line = place.load("mine", "bad")
    assert (status, words in line) == (400, True), line
    assert str(place.folder) not in line  # where it lies is nobody's business
    assert place.text("bad").startswith("400")  # nor on first use
    assert place.text("mine").startswith("404")
    assert place.text("good") == before


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("../outside", "leads out"),
        ("inner/../../outside", "leads out"),
        ("/etc", "leads out"),
        ("link", "over a link"),
        ("linked/inner", "over a link"),
        (".", "no adapter at"),
        ("nothing", "no adapter at"),
        ("a\0b", "no adapter at"),
        ("x" * 1000, "no adapter at"),
    ],
)
def test_nothing_outside_the_folder_is_read(place: Place, source: str, words: str) -> None:
    shutil.copytree(place.put("one"), place.folder.parent / "outside" / "inner")
    shutil.copytree(place.folder / "one", place.folder.parent / "outside", dirs_exist_ok=True)
    (place.folder / "link").symlink_to(place.folder.parent / "outside")
    (place.folder / "linked").symlink_to(place.folder.parent / "outside")
    status, line = place.load("mine", source)
    assert (status, words in line) == (400, True), line
    assert place.text("link").startswith("404")
    assert [one["name"] for one in place.running.get("/v1/adapters").json["data"]] == ["one"]


def test_names_that_cannot_be(place: Place) -> None:
    place.put("one")
    for name, words in (
        ("memory", "is the bare base's"),
        ("a/b", "cannot be"),
        ("", "cannot be"),
        ("a@1", "cannot be"),
    ):
        status, line = place.load(name, "one")
        assert (status, words in line) == (400, True), line


def test_without_a_folder_nothing_is_loaded(base: Base) -> None:
    with served(base) as running:
        heard = running.ask("POST", "/v1/adapters", {"name": "a", "source": "/etc"})
        assert "start it with --adapters-dir or --store" in heard.message


def test_a_thousand_adapters_are_cheap_and_those_unused_make_room(place: Place) -> None:
    place.put("first")
    for number in range(1000):
        folder = place.folder / f"n{number}"
        folder.mkdir()
        for path in (place.folder / "first").iterdir():
            (folder / path.name).hardlink_to(path)
    residents = place.running.service.residents
    assert not place.text("first").startswith("4")
    residents.limit = 10 * place.running.get("/v1/adapters").json["data"][0]["bytes"]
    assert len(place.running.get("/v1/models").json["data"]) == 1002
    texts = {place.text(f"n{number}") for number in range(0, 1000, 40)}
    assert len(texts) == 1
    held = [name for name in residents.names() if residents.at_hand(name)]
    assert held == sorted(f"n{number}" for number in range(600, 1000, 40))
    assert place.load("mine", "first")[0] == 200
    assert sum(1 for name in residents.names() if residents.at_hand(name)) == 10


def test_who_comes_together_waits_for_one_reading(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.put("one")
    read, reads = soundness.read, []
    monkeypatch.setattr(soundness, "read", lambda *given: reads.append(1) or read(*given))  # type: ignore[func-returns-value]
    texts: list[str] = []
    threads = [threading.Thread(target=lambda: texts.append(place.text("one"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(reads), len(texts), len(set(texts))) == (1, 8, 1)


def test_one_that_is_too_large_is_not_even_read(place: Place) -> None:
    place.put("one")
    place.running.service.residents._intake.limit = 100
    assert "raise --adapters-gb" in place.load("mine", "one")[1]


def test_one_that_was_refused_is_not_read_again_until_it_changes(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    truncated(place)
    read, reads = soundness.read, []
    monkeypatch.setattr(soundness, "read", lambda *given: reads.append(1) or read(*given))  # type: ignore[func-returns-value]
    lines = [place.text("bad") for _ in range(3)]
    assert (len(reads), len(set(lines)), "damaged" in lines[0]) == (1, 1, True)
    place.put("bad")
    assert not place.text("bad").startswith("4")
    assert len(reads) == 2


def test_memory_that_was_short_is_asked_for_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.put("one", "lora")

    def short(*_: object) -> None:
        raise torch.OutOfMemoryError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(soundness, "_try", short)
        assert "no room" in place.text("one")
    assert not place.text("one").startswith("4")


@pytest.mark.parametrize("method", ["prompt", "lora", "full"])
def test_who_writes_does_not_wait_for_files(place: Place, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    place.put("slow", method)
    load, begun, go = soundness.load_adapter, threading.Event(), threading.Event()

    def slow(*given: Any) -> Any:
        begun.set()
        assert go.wait(20)
        return load(*given)

    monkeypatch.setattr(soundness, "load_adapter", slow)
    texts: list[str] = []
    waiting = threading.Thread(target=lambda: texts.append(place.text("slow")))
    waiting.start()
    assert begun.wait(20)
    assert not place.text("memory").startswith("4")
    assert texts == []
    go.set()
    waiting.join()
    assert not texts[0].startswith("4")


@pytest.mark.parametrize(
    ("method", "copies"), [("prompt", False), ("full", False), ("peft", True), ("prompt+lora", False)]
)
def test_only_what_copies_the_base_waits_for_the_engine(place: Place, method: str, copies: bool) -> None:
    folder = place.put("one", method)
    assert soundness.copies_base(folder) == copies
    place.put("one/part", "peft")  # whatever the whole says of itself
    assert soundness.copies_base(folder)


@pytest.mark.parametrize(("dtype", "whole"), [(torch.float32, False), (torch.bfloat16, True)])
def test_what_is_not_the_base_s_own_counts_as_memory(dtype: torch.dtype, whole: bool) -> None:
    base = make_base("llama", dtype)
    model = sum(tensor.numel() * 4 for tensor in base.model.parameters())
    taken = own_bytes(make_fresh("peft", base), base)
    assert (taken > model) == whole  # a narrow base is copied to fp32 for PEFT
    assert whole or taken < model / 10
    assert own_bytes(make_fresh("prompt", base, size=5), base) == 2 * 5 * 32 * 4  # and what it started from


def test_the_folder_is_listed_when_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two", "unfinished"):
        (tmp_path / name).mkdir()
    for name in ("one", "two"):
        (tmp_path / name / "manifest.json").touch()
    shelf, scan, scans = Shelf(tmp_path, None), os.scandir, []
    monkeypatch.setattr(os, "scandir", lambda place: scans.append(place) or scan(place))  # type: ignore[func-returns-value]
    os.utime(tmp_path, (1e9, 1e9))
    assert [shelf.names() for _ in range(3)] == [["one", "two"]] * 3
    assert len(scans) == 1
    (tmp_path / "unfinished" / "manifest.json").touch()
    assert shelf.names() == ["one", "two", "unfinished"]
    assert len(scans) == 1
    shutil.rmtree(tmp_path / "two")  # the clock of a file system may not tell this from another change just after
    assert shelf.names() == ["one", "unfinished"]
    (tmp_path / "three").mkdir()
    (tmp_path / "three" / "manifest.json").touch()
    assert shelf.names() == ["one", "three", "unfinished"]


def test_among_very_many_names_none_is_the_nearest(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"support-{number}" for number in range(2000)]
    monkeypatch.setattr(place.running.service.residents, "names", lambda: names)
    monkeypatch.setattr(difflib, "get_close_matches", lambda *_, **__: pytest.fail("this takes long"))
    assert place.text("suport-1") == "404 no model 'suport-1'; GET /v1/models lists all"
