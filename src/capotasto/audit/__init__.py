"""What an adapter breaks, asking the base without it and with it; and what an adapter or its data give away."""

from capotasto.registry import Table

PROBES = Table(
    "probe",
    {
        "general_text": "capotasto.audit.general_text:GENERAL_TEXT",
        "lambada_openai": "capotasto.audit.last_word:LAMBADA",
        "hellaswag": "capotasto.audit.choices:HELLASWAG",
        "arc_easy": "capotasto.audit.choices:ARC_EASY",
        "piqa": "capotasto.audit.choices:PIQA",
        "openbook_qa": "capotasto.audit.choices:OPENBOOK_QA",
        "winogrande": "capotasto.audit.choices:WINOGRANDE",
        "crows_pairs": "capotasto.audit.crows_pairs:CROWS_PAIRS",
        "winobias": "capotasto.audit.winobias:WINOBIAS",
        "stereoset": "capotasto.audit.stereoset:STEREOSET",
        "bbq": "capotasto.audit.bbq:BBQ",
        "truthfulqa": "capotasto.audit.truthfulqa:TRUTHFULQA",
        "agreement": "capotasto.audit.agreement:AGREEMENT",
        "membership": "capotasto.audit.leaks:MEMBERSHIP",
        "extraction": "capotasto.audit.leaks:EXTRACTION",
        "outputs": "capotasto.audit.leaks:OUTPUTS",
        "canaries": "capotasto.audit.leaks:CANARIES",
    },
)
