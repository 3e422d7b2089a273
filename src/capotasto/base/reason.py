"""What another library complained about, short enough for the middle of our own line."""

import re


def reason(error: Exception) -> str:
    """The first sentence of an error's text, or its type where it has none."""
    text = " ".join(str(error).split()) or type(error).__name__
    return re.split(r"[.!] ", text, maxsplit=1)[0].rstrip(".!")
