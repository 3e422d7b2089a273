"""States of frozen lower layers that are kept: the numbers are the same, the work is not done again."""

from pathlib import Path

import pytest
import torch

from capotasto import forward
from capotasto.objectives import row_losses
from capotasto.session import Base
from capotasto.training.fill import fill
from capotasto.training.job import Job
from capotasto.training.loop import train
from capotasto.training.settings import TrainSettings
from capotasto.trunk import Place, Trunk, depth_of
from tests.making import make_adapter, make_base, make_fresh, make_rows
from tests.tiny import ARCHITECTURES

# What learns in no more than the upper of two layers.
UPPER = {"lora": {"layers": "1"}, "prefix": {"layers": "1"}, "gated": {"layers": "1"}, "head": {}}
TEXTS = ["text:the rain in the north", "text:sun on the shore"]  # where a prefix starts, and what its lower layer keeps


@pytest.fixture
def trunk(cache: Path) -> Trunk:
    return Trunk.of(make_base("llama"), 1.0)


def make_job(base: Base, method: str, name: str = "a", seed: int = 0) -> Job:
    adapter = make_fresh(method, base, name=name, seed=seed, init=TEXTS[seed], **UPPER.get(method, {}))
    settings = TrainSettings(epochs=3, batch_tokens=60, patience=9)
    reader = make_fresh("head", base) if base.is_encoder else adapter
    return Job(name, adapter, make_rows(base, 8, seed, reader), make_rows(base, 3, 9, reader), settings, 0.01)


def losses(base: Base, jobs: list[Job], trunk: Trunk | None) -> list[float]:
    return [record.loss for record in train(base, jobs, trunk=trunk)]


def learnt(job: Job) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in job.adapter.parameters()])


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The layers of the base that compute something, by name."""
    seen: list[str] = []
    original = forward._call

    def counted(model, *rest):  # type: ignore[no-untyped-def]
        seen.append("call")
        return original(model, *rest)

    monkeypatch.setattr(forward, "_call", counted)
    return seen


@pytest.mark.parametrize("method", ["lora", "prefix", "gated"])
@pytest.mark.parametrize("architecture", [*ARCHITECTURES, "bert", "distilbert", "roberta"])
@pytest.mark.usefixtures("cache")
def test_the_lower_layers_are_read_and_the_states_are_the_same(architecture: str, method: str) -> None:
    base = make_base(architecture)
    job = make_job(base, method)
    trunk = Trunk.of(base, 1.0)
    list(fill(base, trunk, [job]))
    adapter = make_adapter(method, base, init=TEXTS[0], **UPPER[method])
    assert depth_of(base, adapter) == 1
    plain = forward.run(base, job.rows, [adapter] * len(job.rows)).states
    ran: list[int] = []
    layers = next(m for m in base.model.modules() if isinstance(m, torch.nn.ModuleList))
    attention = next(module for module in layers[0].modules() if "Attention" in type(module).__name__)
    handle = attention.register_forward_hook(lambda *_: ran.append(1))
    kept = forward.run(base, job.rows, [adapter] * len(job.rows), trunk=trunk).states
    handle.remove()
    assert not ran, "layer 0 computes nothing"
    torch.testing.assert_close(kept, plain, rtol=0, atol=1e-12)
    torch.testing.assert_close(forward.run(base, job.rows, [adapter] * len(job.rows)).states, plain, rtol=0, atol=0)


@pytest.mark.parametrize("method", UPPER)
def test_training_with_it_equals_training_without(method: str, trunk: Trunk) -> None:
    base = make_base("llama")
    plain, kept = make_job(base, method), make_job(base, method)
    list(fill(base, trunk, [kept]))
    assert losses(base, [plain], None) == pytest.approx(losses(base, [kept], trunk), abs=1e-12)
    torch.testing.assert_close(learnt(plain), learnt(kept), rtol=0, atol=1e-9)


def test_a_head_calls_the_base_no_more(trunk: Trunk, calls: list[str]) -> None:
    base = make_base("llama")
    job = make_job(base, "head")
    list(fill(base, trunk, [job]))
    calls.clear()
    losses(base, [job], trunk)
    assert not calls


def test_several_jobs_read_one_trunk(trunk: Trunk) -> None:
    base = make_base("llama")

    def jobs() -> list[Job]:
        return [make_job(base, method, f"{method}{seed}", seed) for method in UPPER for seed in (0, 1)]

    plain, kept = jobs(), jobs()
    list(fill(base, trunk, kept))
    losses(base, plain, None)
    losses(base, kept, trunk)
    for one, other in zip(plain, kept, strict=True):
        torch.testing.assert_close(learnt(one), learnt(other), rtol=0, atol=1e-9)


def test_what_reaches_the_first_layer_keeps_nothing(trunk: Trunk) -> None:
    base = make_base("llama")
    assert list(fill(base, trunk, [make_job(base, "prompt")])) == []
    assert list(fill(base, trunk, [make_job(base, "lora"), make_job(base, "prompt", "b")])) == []
    everywhere = make_fresh("prefix", base, init=TEXTS[0])
    assert depth_of(base, everywhere) == 0


def test_gradients_with_it_equal_those_without(trunk: Trunk) -> None:
    base = make_base("llama")
    job = make_job(base, "prefix")
    list(fill(base, trunk, [job]))
    gradients = []
    for kept in (None, trunk):
        row_losses(base, job.rows, [job.adapter] * len(job.rows), trunk=kept)[0].sum().backward()
        gradients.append(job.adapter.rest.grad)
        job.adapter.rest.grad = None
    assert bool((gradients[0] != 0).all())
    torch.testing.assert_close(*gradients, rtol=0, atol=1e-12)


def test_states_behind_one_text_are_not_those_behind_another(trunk: Trunk) -> None:
    """A prefix whose lower layer keeps other keys and values finds nothing; one that learnt above finds all."""
    base = make_base("llama")
    job, other = make_job(base, "prefix"), make_job(base, "prefix", seed=1)
    list(fill(base, trunk, [job]))
    learnt = make_adapter("prefix", base, init=TEXTS[0], **UPPER["prefix"])
    assert trunk.get(Place.behind(learnt.kv(), 1), job.rows) is not None
    assert trunk.get(Place.behind(other.adapter.kv(), 1), job.rows) is None
    assert trunk.get(Place(1), job.rows) is None


def test_another_process_reads_what_was_kept(trunk: Trunk, calls: list[str]) -> None:
    base = make_base("llama")
    list(fill(base, trunk, [make_job(base, "lora")]))
    assert calls
    calls.clear()
    again = Trunk.of(base, 1.0)
    records = list(fill(base, again, [make_job(base, "lora")]))
    assert not calls
    assert records[-1].extra["bytes"] == 0


def test_what_a_crash_left_is_computed_again(trunk: Trunk) -> None:
    base = make_base("llama")
    job = make_job(base, "lora")
    filling = fill(base, trunk, [job])
    next(filling)
    filling.close()  # before anything was written down
    again = Trunk.of(base, 1.0)
    list(fill(base, again, [job]))
    place = Place(1)
    found = again.get(place, job.rows)
    assert found is not None
    torch.testing.assert_close(found, torch.cat(forward.up_to(base, job.rows, place.depth)), rtol=0, atol=1e-12)


def test_the_disk_is_bounded(trunk: Trunk) -> None:
    base = make_base("llama")
    job = make_job(base, "lora")
    tokens = sum(len(row.ids) for row in {*job.rows, *job.held_out})
    trunk.limit = tokens * 32 * 8 - 1
    assert list(fill(base, trunk, [job])) == []
    assert trunk.get(Place(1), job.rows) is None
    plain = make_job(base, "lora")
    assert losses(base, [plain], None) == losses(base, [job], trunk), "computed in every step, as without"
    trunk.limit += 1
    assert list(fill(base, trunk, [make_job(base, "lora")]))


def test_what_was_used_longest_ago_makes_room(trunk: Trunk) -> None:
    base = make_base("llama")
    job = make_job(base, "lora")
    list(fill(base, trunk, [job]))
    lora = trunk.folder / f"{Place(1).name}.bin"
    trunk.limit = lora.stat().st_size + 32 * 8
    newer = Trunk(trunk.folder, trunk.widths, trunk.dtype, trunk.limit)
    list(fill(base, newer, [make_job(base, "head")]))
    assert not lora.exists()
    assert (trunk.folder / f"{Place(2, pooling='last').name}.bin").exists()
