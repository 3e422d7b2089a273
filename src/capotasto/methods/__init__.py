"""What is learned, and where it enters the frozen base: one file a method."""

from capotasto.registry import Table

METHODS = Table(
    "method",
    {
        "prompt": "capotasto.methods.prompt:PromptAdapter",
        "ptuning": "capotasto.methods.ptuning:PTuningAdapter",
        "residual": "capotasto.methods.residual:ResidualAdapter",
        "mpt": "capotasto.methods.mpt:MptAdapter",
        "prefix": "capotasto.methods.prefix:PrefixAdapter",
        "gated": "capotasto.methods.gated:GatedAdapter",
        "lora": "capotasto.methods.lora:LoraAdapter",
        "bottleneck": "capotasto.methods.bottleneck:BottleneckAdapter",
        "head": "capotasto.methods.head:HeadAdapter",
        "full": "capotasto.methods.full:FullAdapter",
        "peft": "capotasto.methods.from_peft:PeftAdapter",
    },
)
