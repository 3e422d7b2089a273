"""One file a family of contenders; a new one is a file and a line here. They are carried out in this order."""

from capotasto.registry import Table

CONTENDERS = Table(
    "contender",
    {
        "zero-shot": "capotasto.comparing.contenders.zero_shot:ZERO_SHOT",
        "calibrated": "capotasto.comparing.contenders.calibrated:CALIBRATED",
        "few-shot": "capotasto.comparing.contenders.few_shot:FEW_SHOT",
        "nearest-shot": "capotasto.comparing.contenders.nearest_shot:NEAREST_SHOT",
        "instruction": "capotasto.comparing.contenders.instruction:INSTRUCTION",
        "retrieval": "capotasto.comparing.contenders.retrieval:RETRIEVAL",
        "head": "capotasto.comparing.contenders.trained:HEAD",
        "prompt": "capotasto.comparing.contenders.trained:PROMPT",
        "residual": "capotasto.comparing.contenders.trained:RESIDUAL",
        "prefix": "capotasto.comparing.contenders.trained:PREFIX",
        "lora": "capotasto.comparing.contenders.trained:LORA",
        "bottleneck": "capotasto.comparing.contenders.trained:BOTTLENECK",
        "full": "capotasto.comparing.contenders.trained:FULL",
        "ensemble": "capotasto.comparing.contenders.ensemble:ENSEMBLE",
        "hybrid": "capotasto.comparing.contenders.hybrid:HYBRID",
    },
)
