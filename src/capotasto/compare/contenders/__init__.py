"""One file a family of contenders; a new one is a file and a line here. They are carried out in this order."""

from capotasto.registry import Table

CONTENDERS = Table(
    "contender",
    {
        "zero-shot": "capotasto.compare.contenders.zero_shot:ZERO_SHOT",
        "calibrated": "capotasto.compare.contenders.calibrated:CALIBRATED",
        "few-shot": "capotasto.compare.contenders.few_shot:FEW_SHOT",
        "nearest-shot": "capotasto.compare.contenders.nearest_shot:NEAREST_SHOT",
        "instruction": "capotasto.compare.contenders.instruction:INSTRUCTION",
        "retrieval": "capotasto.compare.contenders.retrieval:RETRIEVAL",
        "head": "capotasto.compare.contenders.trained:HEAD",
        "prompt": "capotasto.compare.contenders.trained:PROMPT",
        "residual": "capotasto.compare.contenders.trained:RESIDUAL",
        "prefix": "capotasto.compare.contenders.trained:PREFIX",
        "lora": "capotasto.compare.contenders.trained:LORA",
        "bottleneck": "capotasto.compare.contenders.trained:BOTTLENECK",
        "full": "capotasto.compare.contenders.trained:FULL",
        "ensemble": "capotasto.compare.contenders.ensemble:ENSEMBLE",
        "hybrid": "capotasto.compare.contenders.hybrid:HYBRID",
    },
)
