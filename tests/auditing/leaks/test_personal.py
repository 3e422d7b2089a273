"""Personal data and secrets: what is found, what only looks like it, and that nothing is slow or shown."""

import time

import pytest

from capotasto.auditing.checks import luhn
from capotasto.auditing.personal import KINDS, find, mask

KEY = "ghp_" + "a1B2" * 9
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcDEF123_-xyz"

THERE = [
    ("write to jane.doe+x@mail.example.co.uk.", "e-mail", "jane.doe+x@mail.example.co.uk"),
    ("<a_b@x-y.org>", "e-mail", "a_b@x-y.org"),
    ("call 1-888-595-5485 today", "phone", "1-888-595-5485"),
    ("(415) 555-2671", "phone", "(415) 555-2671"),
    ("or +44 20 7946 0958.", "phone", "+44 20 7946 0958"),
    ("+49 (0)30 901820", "phone", "+49 (0)30 901820"),
    ("+33612345678", "phone", "+33612345678"),
    ("0044 7911 123456", "phone", "0044 7911 123456"),
    ("paid with 4111 1111 1111 1111 today", "card", "4111 1111 1111 1111"),
    ("378282246310005", "card", "378282246310005"),
    ("IBAN DE89 3704 0044 0532 0130 00 PLEASE", "IBAN", "DE89 3704 0044 0532 0130 00"),
    ("GB82WEST12345698765432", "IBAN", "GB82WEST12345698765432"),
    ("from 10.0.0.5, port 80", "IP address", "10.0.0.5"),
    ("at fe80::1ff:fe23:4567:890a now", "IP address", "fe80::1ff:fe23:4567:890a"),
    ("AKIAIOSFODNN7EXAMPLE", "API key", "AKIAIOSFODNN7EXAMPLE"),
    (f"token={KEY}", "API key", KEY),
    ("-----BEGIN RSA PRIVATE KEY-----\nMII", "private key", "-----BEGIN RSA PRIVATE KEY-----"),
    (f"Bearer {TOKEN}", "token", TOKEN),
]
NOT_THERE = [
    "on 2021-10-12 at 12:30:45 in 2001-2002",
    "order 123-456-7890",  # no area code begins with 1
    "revenue $275,000 in 2020 and $1,250,000.00 in 2021",
    "4111 1111 1111 1112",  # the check digit is wrong
    "DE89 3704 0044 0532 0130 01",
    "XX89 3704 0044 0532 0130 00",  # no such country
    "v1.2.3.4, version 1.2.3.4, 999.1.1.1, 1.2.3.4.5",
    "std::vector and ::1 and 127.0.0.1",
    "someone @home, a@b, @handle",
    "tracking 1Z999AA10123456784, ISBN 978-3-16-148410-0",
    "sk-learn and sk-this-is-only-a-name-without-any",
    "Jane Doe, 221B Baker Street, London",  # what has no fixed form is not found
]


@pytest.mark.parametrize(("text", "kind", "found"), THERE)
def test_what_is_there_is_found_whole_and_once(text: str, kind: str, found: str) -> None:
    [one] = find(text)
    assert (one.kind, one.text) == (kind, found)
    assert text[one.start :].startswith(found)
    assert kind in KINDS


@pytest.mark.parametrize("text", NOT_THERE)
def test_what_only_looks_like_it_is_passed_over(text: str) -> None:
    assert find(text) == []


def test_several_stand_in_the_order_of_the_text() -> None:
    text = "a@b.org, +44 20 7946 0958, c@d.org"
    assert [one.kind for one in find(text)] == ["e-mail", "phone", "e-mail"]


def test_little_of_a_secret_is_shown() -> None:
    for text, _, _ in THERE:
        for one in find(text):
            assert len(one.masked) <= 5
            assert one.text not in one.masked


def test_a_text_is_shown_without_what_stands_in_it() -> None:
    assert mask("a@bc.org or +44 20 7946 0958, please") == "a…g or +4…58, please"
    assert mask("nothing here") == "nothing here"


def test_luhns_digit_is_the_only_one_of_ten() -> None:
    assert [digit for digit in range(10) if luhn(f"7992739871{digit}")] == [3]


@pytest.mark.parametrize("part", ["a", "a.", "1 ", "+1 ", "a@", ":", "DE8", "eyJ", "(415) "])
def test_no_text_takes_long(part: str) -> None:
    began = time.perf_counter()
    find(part * 50_000)
    assert time.perf_counter() - began < 2
