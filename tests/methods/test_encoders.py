"""What every method promises on an encoder, where it answers through a head."""

import copy
from itertools import islice
from pathlib import Path

import peft
import pytest
import torch
from torch import Tensor

from capotasto import forward
from capotasto.artifact import load_adapter, save_adapter
from capotasto.errors import SettingError
from capotasto.evaluate.questions import held_out_loss
from capotasto.methods.adapter import Adapter
from capotasto.objectives.heads import features, outputs, read
from capotasto.session import Base
from capotasto.training.job import Job
from capotasto.training.loop import train
from capotasto.training.settings import TrainSettings
from capotasto.types import Encoded, Turn
from tests.making import LABELS, make_adapter, make_base, make_examples, make_fresh
from tests.tiny import ENCODERS, tiny_base

METHODS = ["head", "prompt+head", "prefix+head", "lora+head", "bottleneck+head", "full+head", "peft:ia3+head"]
FROM_THE_BASE = ["head", "lora+head", "bottleneck+head", "full+head", "peft:ia3+head"]
IDS = (1, 7, 30, 41, 5, 60, 2)


@pytest.fixture(scope="module", params=ENCODERS)
def base(request: pytest.FixtureRequest) -> Base:
    return make_base(request.param, torch.float32)


def make_rows(base: Base, count: int = 8, seed: int = 0) -> list[Encoded]:
    """Rows whose class is told by their first word."""
    renderer = base.renderer()
    words = ["rain", "sun", "north"]
    rows = [
        renderer.prompt([Turn("user", f"{words[i % 3]} {one.prompt}")])
        for i, one in enumerate(make_examples(count, seed))
    ]
    return [Encoded(row.ids, row.learn, row.slot, row.cut, i % 3) for i, row in enumerate(rows)]


def make_job(base: Base, adapter: Adapter, seed: int = 0) -> Job:
    settings = TrainSettings(batch_tokens=60, epochs=15, seed=seed)
    return Job(adapter.name, adapter, make_rows(base, 9, seed), settings=settings, lr=adapter.rate(base)[0])


@torch.no_grad()
def classes_of(base: Base, rows: list[Encoded], adapter: Adapter) -> list[Tensor]:
    adapters = [adapter] * len(rows)
    return list(outputs(features(forward.run(base, rows, adapters), adapters, range(len(rows))), adapter))


@pytest.mark.parametrize("method", FROM_THE_BASE)
def test_it_starts_with_the_features_of_the_base(base: Base, method: str) -> None:
    rows = make_rows(base, 4)
    fresh = make_fresh(method, base)
    with torch.no_grad():
        found, wanted = (forward.run(base, rows, [one] * 4).states for one in (fresh, None))
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_learning_lowers_the_loss_and_touches_the_adapter_only(base: Base, method: str) -> None:
    job = make_job(base, make_fresh(method, base))
    frozen = {name: tensor.clone() for name, tensor in base.model.state_dict().items()}
    before = held_out_loss(base, job.rows, job.adapter)
    list(train(base, [job]))
    assert held_out_loss(base, job.rows, job.adapter) < 0.96 * before
    assert all(torch.equal(tensor, frozen[name]) for name, tensor in base.model.state_dict().items())


@pytest.mark.parametrize("method", METHODS)
def test_a_folder_gives_back_the_same_answers(base: Base, tmp_path: Path, method: str) -> None:
    adapter = make_adapter(method, base)
    save_adapter(adapter, tmp_path, base, {})
    again = load_adapter(tmp_path, base)
    assert again.classes() == LABELS
    rows = make_rows(base, 4)
    for found, wanted in zip(classes_of(base, rows, again), classes_of(base, rows, adapter), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)


def test_jobs_together_learn_what_they_learn_alone() -> None:
    base = make_base("roberta")
    together, alone = (
        [make_job(base, make_adapter(method, base, seed=i, name=method), i) for i, method in enumerate(METHODS[:6])]
        for _ in range(2)
    )
    list(islice(train(base, together), 3 * len(together)))
    for one, other in zip(together, alone, strict=True):
        list(islice(train(base, [other]), 3))
        for found, wanted in zip(one.adapter.parameters(), other.adapter.parameters(), strict=True):
            torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("slot", [0, 1])
def test_pooling_reads_the_states_it_says(slot: int) -> None:
    base = make_base("bert")
    prompt, prefix = make_adapter("prompt", base, 4), make_adapter("prefix", base, 3)
    row = Encoded(IDS, (False,) * len(IDS), slot)
    hidden = forward.run(base, [row, row], [prompt, prefix])
    with_prompt, with_prefix = hidden.states[: 4 + len(IDS)], hidden.states[4 + len(IDS) :]
    own = [(0, with_prompt, 0 if slot else 4), (1, with_prefix, 0)]
    for number, states, first in own:
        wanted = {"cls": states[first], "last": states[-1], "mean": states.mean(0)}
        for pooling, expected in wanted.items():
            torch.testing.assert_close(read(hidden, number, pooling), expected)


def test_what_is_pooled_follows_from_the_base() -> None:
    assert make_fresh("head", make_base("bert")).head().pooling == "mean"
    assert make_fresh("head", make_base("bert"), pooling="cls").head().pooling == "cls"
    decoder = make_base("llama")
    assert make_fresh("head", decoder).head().pooling == "last"
    with pytest.raises(SettingError, match=r"first token of a row sees nothing.*--pooling last or mean"):
        make_fresh("head", decoder, pooling="cls")


@pytest.mark.parametrize(
    ("architecture", "targets", "per_layer"),
    [
        ("bert", "query,value", 2),
        ("roberta", "query,value", 2),
        ("distilbert", "q_lin,v_lin", 2),
        ("bert", "all-linear", 6),
    ],
)
def test_lora_finds_the_targets_of_tutorials(architecture: str, targets: str, per_layer: int) -> None:
    assert len(make_fresh("lora", make_base(architecture), targets=targets).deltas()) == 2 * per_layer


@pytest.mark.parametrize("architecture", ENCODERS)
def test_a_bottleneck_stands_after_the_sublayers(architecture: str) -> None:
    base = make_base(architecture)
    assert len(make_fresh("bottleneck", base).deltas()) == 2
    assert len(make_fresh("bottleneck", base, sites="houlsby").deltas()) == 4


def plain(base: Base) -> torch.nn.Module:
    """The model as transformers made it, in fp32."""
    return tiny_base(base.config.model_type, torch.float32).model.requires_grad_(True)


def ours(base: Base, adapter: Adapter) -> Tensor:
    with torch.no_grad():
        return forward.run(base, [Encoded(IDS, (False,) * len(IDS))], [adapter]).states[-len(IDS) :]


@pytest.mark.parametrize("kind", ["prompt", "prefix", "lora", "dora"])
def test_peft_reads_it_with_the_same_states(base: Base, tmp_path: Path, kind: str) -> None:
    adapter = make_adapter("lora", base, dora=True) if kind == "dora" else make_adapter(kind, base)
    save_adapter(adapter, tmp_path, base, {})
    if kind == "prefix" and base.config.model_type == "distilbert":  # it would not see the prefix
        assert not (tmp_path / "adapter_config.json").exists()
        return
    theirs = peft.PeftModel.from_pretrained(plain(base), tmp_path)
    assert isinstance(theirs, peft.PeftModelForFeatureExtraction)
    with torch.no_grad():
        wanted = theirs(input_ids=torch.tensor([IDS]), attention_mask=torch.ones(1, len(IDS))).last_hidden_state[0]
    torch.testing.assert_close(ours(base, adapter), wanted[-len(IDS) :], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "config",
    [
        peft.LoraConfig(task_type="FEATURE_EXTRACTION", r=4, target_modules="all-linear", init_lora_weights=False),
        peft.PromptTuningConfig(
            task_type="FEATURE_EXTRACTION", num_virtual_tokens=3, token_dim=32, num_layers=2, num_attention_heads=4
        ),
    ],
    ids=["lora", "prompt"],
)
def test_what_peft_made_is_read_with_the_same_states(base: Base, tmp_path: Path, config: peft.PeftConfig) -> None:
    theirs = peft.get_peft_model(plain(base), copy.deepcopy(config)).eval()
    with torch.no_grad():
        wanted = theirs(input_ids=torch.tensor([IDS]), attention_mask=torch.ones(1, len(IDS))).last_hidden_state[0]
    theirs.save_pretrained(tmp_path)
    torch.testing.assert_close(ours(base, load_adapter(tmp_path, base)), wanted[-len(IDS) :], rtol=1e-4, atol=1e-4)
