"""What an adapter breaks, asking the base without it and with it; and what an adapter or its data give away."""

from capotasto.registry import Table

PROBES = Table(
    "probe",
    {
        "general_text": "capotasto.auditing.general_text:GENERAL_TEXT",
        "lambada_openai": "capotasto.auditing.last_word:LAMBADA",
        "hellaswag": "capotasto.auditing.choices:HELLASWAG",
        "arc_easy": "capotasto.auditing.choices:ARC_EASY",
        "piqa": "capotasto.auditing.choices:PIQA",
        "openbook_qa": "capotasto.auditing.choices:OPENBOOK_QA",
        "winogrande": "capotasto.auditing.choices:WINOGRANDE",
        "crows_pairs": "capotasto.auditing.crows_pairs:CROWS_PAIRS",
        "winobias": "capotasto.auditing.winobias:WINOBIAS",
        "stereoset": "capotasto.auditing.stereoset:STEREOSET",
        "bbq": "capotasto.auditing.bbq:BBQ",
        "truthfulqa": "capotasto.auditing.truthfulqa:TRUTHFULQA",
        "agreement": "capotasto.auditing.agreement:AGREEMENT",
        "membership": "capotasto.auditing.leaks:MEMBERSHIP",
        "extraction": "capotasto.auditing.leaks:EXTRACTION",
        "outputs": "capotasto.auditing.leaks:OUTPUTS",
        "canaries": "capotasto.auditing.leaks:CANARIES",
    },
)
