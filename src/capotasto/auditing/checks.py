"""What a pattern alone cannot tell: check digits, and what an address or number may be. Each gives the part of a match
that holds, or nothing."""

import ipaddress
import re

# Characters of an IBAN by country (https://www.swift.com/resource/iban-registry-pdf).
_IBAN_LENGTHS = """
    AD24 AE23 AL28 AT20 BA20 BE16 BG22 BR29 CH21 CR22 CY28 CZ24 DE22 DK18 EE20 EG29 ES24 FI18 FO18 FR27
    GB22 GE22 GI23 GL18 GR27 HR21 HU28 IE22 IL23 IS26 IT27 JO30 KW30 KZ20 LB28 LI21 LT20 LU20 LV21 MC27
    MD24 ME22 MK19 MT31 NL18 NO15 PK24 PL28 PT25 QA29 RO24 RS22 SA24 SE24 SI19 SK24 SM27 TN24 TR26 UA29
    XK20
"""
_IBAN = {entry[:2]: int(entry[2:]) for entry in _IBAN_LENGTHS.split()}
_ISSUERS = re.compile(r"3[47]\d{13}|3[068]\d{12}|4\d{12}(\d{3}){0,2}|5[1-5]\d{14}|2[2-7]\d{14}|6\d{15,18}")


def whole(text: str) -> str:
    """All of it."""
    return text


def card(text: str) -> str:
    """A payment card: the length and first digits of an issuer, and Luhn's check digit (ISO/IEC 7812-1)."""
    digits = re.sub(r"\D", "", text)
    return text if _ISSUERS.fullmatch(digits) and luhn(digits) else ""


def luhn(digits: str) -> bool:
    """True where the last digit fits the others."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[::-2])) + sum(doubled)) % 10 == 0


def iban(text: str) -> str:
    """The beginning that is as long as the country's account numbers are and whose check digits fit (ISO 13616)."""
    length, taken = _IBAN.get(text[:2], 0), 0
    for place, character in enumerate(text):
        taken += character != " "
        if taken == length:
            found = text[: place + 1]
            return found if mod_97(found.replace(" ", "")) == 1 and not text[place + 1 : place + 2].isalnum() else ""
    return ""


def mod_97(account: str) -> int:
    """ISO 7064: 1 for a right one."""
    return int("".join(str(int(character, 36)) for character in account[4:] + account[:4])) % 97


def ip(text: str) -> str:
    """An address of a machine: not of this very machine, and not of none."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return ""
    return "" if found.is_loopback or found.is_unspecified else text


def phone(text: str) -> str:
    """Seven to fifteen digits (ITU-T E.164); behind 00, with which other numbers begin too, at least nine."""
    digits = re.sub(r"\D", "", text)
    number = digits.removeprefix("00")
    return text if (7 if number == digits else 9) <= len(number) <= 15 else ""
