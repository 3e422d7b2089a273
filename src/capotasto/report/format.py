"""Numbers as people read them: three significant digits, units, a true minus sign."""

import json
import math
from typing import Any

SPACE = "\u00a0"  # keeps a number and its unit on one line
MISSING = "–"


def number(value: float) -> str:
    """Three significant digits: `3.50`, `0.0312`, `12,300`, `4.20 × 10⁻⁵`."""
    if value and not 1e-3 <= abs(value) < 1e9:
        digits, exponent = f"{value:.2e}".split("e")
        raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
        return minus(f"{digits}{SPACE}×{SPACE}10{raised}")
    return fixed(value, decimals_for(value))


def decimals_for(value: float) -> int:
    """How many decimals show three significant digits of `value`; negative from 1,000 on."""
    return 2 - math.floor(math.log10(abs(value))) if value else 0


def fixed(value: float, decimals: int, signed: bool = False) -> str:
    """A number rounded to `decimals` places, with its sign even where it is positive if `signed`."""
    sign = "+" if signed else ""
    return minus(f"{round(value, decimals):{sign},.{max(0, decimals)}f}")


def minus(text: str) -> str:
    """The hyphen of a negative number as a minus sign."""
    return text.replace("-", "\u2212")


def chance(value: float) -> str:
    """A p-value: `p = 0.012`; below what resampling can tell, `p < 0.0001`."""
    return f"p{SPACE}<{SPACE}0.0001" if value < 1e-4 else f"p{SPACE}={SPACE}{value:.2g}"


def count(value: int) -> str:
    """A whole number in full: `11,520`."""
    return minus(f"{value:,}")


def seconds(value: float) -> str:
    """A duration: `0.532 s`, `61.2 s`, `12 min 5 s`, `3 h 20 min`."""
    if value < 120:
        return f"{number(value)}{SPACE}s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes}{SPACE}min {rest}{SPACE}s"
    return f"{minutes // 60}{SPACE}h {minutes % 60}{SPACE}min"


def clock(value: float) -> str:
    """Seconds that are left or spent, as a clock shows them: `4:05`; none below zero."""
    whole = max(0, round(value))
    return f"{whole // 60}:{whole % 60:02d}"


def size(value: float) -> str:
    """Bytes in decimal units: `512 bytes`, `46.3 kB`, `1.10 GB`."""
    if value < 1000:
        return f"{value:.0f}{SPACE}bytes"
    power = min(3, int(math.log10(value) // 3))
    return f"{number(value / 1000**power)}{SPACE}{('kB', 'MB', 'GB')[power - 1]}"


def plain(value: Any) -> str:
    """A setting as it was given, exact rather than rounded."""
    if value is None or isinstance(value, bool):
        return {None: MISSING, True: "yes", False: "no"}[value]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def short(value: Any) -> str:
    """A searched setting: a number in three digits, anything else as it was given."""
    return f"{value:.3g}" if isinstance(value, float) else plain(value)
