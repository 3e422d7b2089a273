"""Personal data and secrets in texts, found by pattern and check digit.

What has no fixed form is not found: names, addresses, dates of birth, and whatever identifies by its meaning.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from capotasto.auditing import checks

_DIGITS_BEFORE = r"(?<![\w.+-])"

# Prefixes that those who give out keys have chosen so that they can be found.
_KEYS = (
    r"(?:AKIA|ASIA)[A-Z0-9]{16}",  # AWS
    r"gh[pousr]_[A-Za-z0-9]{36,}",  # GitHub
    r"github_pat_[A-Za-z0-9_]{60,}",
    r"glpat-[\w-]{20,}",  # GitLab
    r"xox[abeprs]-[A-Za-z0-9-]{10,}",  # Slack
    r"AIza[\w-]{35}",  # Google
    r"[rs]k_(?:live|test)_[A-Za-z0-9]{16,}",  # Stripe
    r"sk-(?=[\w-]*\d)[\w-]{20,}",  # OpenAI, Anthropic
    r"hf_[A-Za-z0-9]{30,}",  # Hugging Face
    r"npm_[A-Za-z0-9]{36}",
    r"SG\.[\w-]{22}\.[\w-]{43}",  # SendGrid
)


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    pattern: re.Pattern[str]
    holds: Callable[[str], str] = checks.whole


# The surest first: what one kind has taken is not looked at for the next.
_KINDS = (
    _Kind("private key", re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----")),
    _Kind("token", re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}")),  # JWT (RFC 7519): {" in base64url
    _Kind("API key", re.compile(rf"(?<![\w-])(?:{'|'.join(_KEYS)})(?![\w-])")),
    _Kind(
        "e-mail",
        re.compile(r"(?<![\w.+%-])[\w+%-]+(?:\.[\w+%-]+)*@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}\b"),
    ),
    _Kind("IBAN", re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}"), checks.iban),
    _Kind(
        "card",  # as one number, or in the groups that are printed on it
        re.compile(
            _DIGITS_BEFORE + r"(?:\d{13,19}|\d{4}(?:[ -]\d{4}){3}(?:[ -]\d{1,3})?|\d{4}[ -]\d{6}[ -]\d{4,5})(?![\w-])"
        ),
        checks.card,
    ),
    _Kind("IP address", re.compile(r"(?<![\w.:])(?<![vV]ersion )\d{1,3}(?:\.\d{1,3}){3}(?![\w:]|\.\d)"), checks.ip),
    _Kind("IP address", re.compile(r"(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:])"), checks.ip),
    _Kind(
        "phone",  # international: + or 00, country, groups
        re.compile(
            r"(?<![\w+./-])(?<!\d )(?:\+|00)[1-9]\d{0,2}(?:[ ./-]?\(0?\d{1,4}\))?(?:[ ./-]?\d{1,5}){2,6}(?![\w-])"
        ),
        checks.phone,
    ),
    _Kind(
        "phone",  # North American: area, exchange, number, with marks between them
        re.compile(
            rf"{_DIGITS_BEFORE}(?:1[ .-])?(?:\([2-9]\d{{2}}\) ?|[2-9]\d{{2}}[ .-])[2-9]\d{{2}}[ .-]\d{{4}}(?![\w-])"
        ),
    ),
)
KINDS = tuple(dict.fromkeys(kind.name for kind in _KINDS))


@dataclass(frozen=True, slots=True)
class Found:
    """What stands in a text from `start` on."""

    kind: str
    start: int
    text: str

    @property
    def masked(self) -> str:
        """As it may be shown: its first and last two characters, or less where it is short."""
        shown = 2 if len(self.text) >= 10 else 1
        return f"{self.text[:shown]}…{self.text[-shown:]}"


def find(text: str) -> list[Found]:
    """All that is found in a text, in its order; nothing twice."""
    found: list[Found] = []
    for kind in _KINDS:
        for match in kind.pattern.finditer(text):
            held = kind.holds(match[0])
            if held and not any(one.start < match.start() + len(held) and match.start() < _end(one) for one in found):
                found.append(Found(kind.name, match.start(), held))
    return sorted(found, key=lambda one: one.start)


def mask(text: str) -> str:
    """The text with all that is found in it masked."""
    for one in reversed(find(text)):
        text = text[: one.start] + one.masked + text[_end(one) :]
    return text


def _end(one: Found) -> int:
    return one.start + len(one.text)
