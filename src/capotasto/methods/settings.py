"""What each method can be told: one group of settings a method, free of torch so that help texts come at once."""

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from capotasto.config import Settings
from capotasto.errors import SettingError

SOFT = {"prompt", "ptuning", "residual", "mpt"}  # methods with vectors among the input embeddings


class PromptSettings(Settings):
    """Virtual tokens (prompt, ptuning, residual, mpt, prefix, gated)."""

    tokens: int = Field(20, ge=1, description="virtual tokens")
    init: str | None = Field(
        None,
        description="start: text:WORDS, labels, vocab, examples:K, random, peft-random or from:DIR; left out: by trial",
    )
    placement: Literal["front", "after_bos", "system"] = Field("front", description="where the virtual tokens stand")
    encoder: Literal["mlp", "lstm"] = Field("mlp", description="what ptuning makes its virtual tokens with")
    task_rank: int = Field(1, ge=1, description="rank of what mpt multiplies its shared prompt by for each task")
    frozen_tokens: int = Field(1, ge=0, description="first tokens of a prefix that stay as they are: attention sinks")
    prefix_projection: bool = Field(False, description="train a prefix through a small network, folded away on saving")


class LoraSettings(Settings):
    """Low-rank changes of linear layers (lora)."""

    targets: str = Field("all-linear", description="linear layers: all-linear, or names such as q_proj,v_proj")
    rank: int = Field(8, ge=1, description="rank of the change")
    alpha: float = Field(16.0, gt=0, description="the change is scaled by alpha / rank")
    rslora: bool = Field(False, description="scale by alpha / √rank instead")
    dora: bool = Field(False, description="learn the length of each output's weights apart from their direction")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of inputs of the change that are dropped in training")
    bias: Literal["none", "all", "lora_only"] = Field(
        "none", description="biases that are learned too: those of all layers, or of the targets only"
    )
    layers: str | None = Field(
        None, description="only these layers, e.g. 15-29 or 0,4,8 (prefix, gated, lora, bottleneck)"
    )


class BottleneckSettings(Settings):
    """Small networks after sub-layers (bottleneck)."""

    reduction: int = Field(16, ge=1, description="hidden size divided by this is the width of the bottleneck")
    sites: Literal["houlsby", "pfeiffer"] = Field(
        "pfeiffer", description="after attention and feed-forward (houlsby), or after feed-forward only (pfeiffer)"
    )


class HeadSettings(Settings):
    """A head on frozen features (head)."""

    objective: Literal["lm", "classify", "regress", "multilabel"] | None = Field(
        None, description="write text, choose a label, tell numbers, find all labels; left out: by method and data"
    )
    head_norm: bool = Field(True, description="norm the features; without, transformers and PEFT can read the head")
    pooling: Literal["cls", "mean", "last"] | None = Field(
        None, description="the state that is classified; left out: last, or mean on an encoder"
    )
    hidden: int = Field(0, ge=0, description="width of a hidden layer before the classes; 0: none, a linear classifier")


class FullSettings(Settings):
    """Parameters of the base itself (full)."""

    trainable: str = Field("all", description="all, last:K for the top K layers, or a regular expression of names")


_GROUPS: dict[type[Settings], set[str]] = {
    PromptSettings: {*SOFT, "prefix"},
    LoraSettings: {"lora"},
    BottleneckSettings: {"bottleneck"},
    HeadSettings: {"head"},
    FullSettings: {"full"},
}
# Setting → the methods that heed it: those of its group, where no line below says otherwise.
HEEDED_BY: dict[str, set[str]] = {
    **{name: methods for group, methods in _GROUPS.items() for name in group.model_fields},
    "tokens": {*SOFT, "prefix", "gated"},
    "placement": SOFT,
    "encoder": {"ptuning"},
    "task_rank": {"mpt"},
    "frozen_tokens": {"prefix"},
    "prefix_projection": {"prefix"},
    "targets": {"lora", "peft"},
    "layers": {"lora", "bottleneck", "prefix", "gated"},
}


class MethodSettings(PromptSettings, LoraSettings, BottleneckSettings, HeadSettings, FullSettings):
    """What is learned, and where it enters the base."""

    method: str = Field("prompt", description="what is learned (capo methods lists them)")
    stack_on: str | None = Field(None, description="learn on top of this adapter, which stays as it is: its folder")

    def check_heeded(self, given: Iterable[str], where: str, head: bool = False) -> None:
        """Errors: a setting among those `given` that no part of the method heeds. (A third party's may heed any.)

        head: a head may join the method, where the base turns out to be an encoder
        """
        methods = {name.partition(":")[0] for name in self.method.split("+")} | ({"head"} if head else set())
        ours = set().union(*HEEDED_BY.values())
        for name in given:
            heeding = HEEDED_BY.get(name, methods)
            if methods <= ours and not methods & heeding:
                raise SettingError(
                    f"setting {name!r} in {where} is for {', '.join(sorted(heeding))}, and method {self.method} does"
                    " not heed it; leave it out"
                )
