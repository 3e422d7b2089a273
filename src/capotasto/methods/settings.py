"""What each method can be told: one group of settings a method, free of torch so that help texts come at once."""

from typing import Literal

from pydantic import Field

from capotasto.config import Settings


class PromptSettings(Settings):
    """Virtual tokens (prompt, ptuning, residual, prefix)."""

    tokens: int = Field(20, ge=1, description="virtual tokens")
    init: str | None = Field(
        None, description="start: text:WORDS, labels, vocab, random, peft-random or from:DIR; left out: chosen by trial"
    )
    placement: Literal["front", "after_bos", "system"] = Field("front", description="where the virtual tokens stand")
    encoder: Literal["mlp", "lstm"] = Field("mlp", description="what ptuning makes its virtual tokens with")
    frozen_tokens: int = Field(1, ge=0, description="first tokens of a prefix that stay as they are: attention sinks")


class LoraSettings(Settings):
    """Low-rank changes of linear layers (lora)."""

    targets: str = Field("all-linear", description="linear layers: all-linear, or names such as q_proj,v_proj")
    rank: int = Field(8, ge=1, description="rank of the change")
    alpha: float = Field(16.0, gt=0, description="the change is scaled by alpha / rank")
    rslora: bool = Field(False, description="scale by alpha / √rank instead")
    dora: bool = Field(False, description="learn the length of each output's weights apart from their direction")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of inputs of the change that are dropped in training")
    layers: str | None = Field(None, description="only these layers, e.g. 15-29 or 0,4,8")


class BottleneckSettings(Settings):
    """Small networks after sub-layers (bottleneck)."""

    reduction: int = Field(16, ge=1, description="hidden size divided by this is the width of the bottleneck")
    sites: Literal["houlsby", "pfeiffer"] = Field(
        "pfeiffer", description="after attention and feed-forward (houlsby), or after feed-forward only (pfeiffer)"
    )


class HeadSettings(Settings):
    """A classifier on frozen features (head)."""

    pooling: Literal["cls", "mean", "last"] | None = Field(
        None, description="the state that is classified; left out: last, or mean on an encoder"
    )
    hidden: int = Field(0, ge=0, description="width of a hidden layer before the classes; 0: none, a linear classifier")


class FullSettings(Settings):
    """Parameters of the base itself (full)."""

    trainable: str = Field("all", description="all, last:K for the top K layers, or a regular expression of names")


class MethodSettings(PromptSettings, LoraSettings, BottleneckSettings, HeadSettings, FullSettings):
    """What is learned, and where it enters the base."""

    method: str = Field("prompt", description="what is learned (capo methods lists them)")
