"""What an adapter breaks: the same questions to the base without it and with it, with paired intervals."""

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
    },
)
