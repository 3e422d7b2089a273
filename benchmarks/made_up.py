"""Sentences with made-up personal data, in the forms that people write them, and sentences that only look so.

Each row says what stands in it. Some forms are known to be missed and are here all the same: national telephone
numbers, addresses spelt out to hide them, and keys without a known prefix.
"""

from collections.abc import Callable
from random import Random

from capotasto.auditing.checks import luhn, mod_97

Truth = list[tuple[str, str]]  # kind and text
HEX, LETTERS = "0123456789abcdef", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
NAMES = ["jane", "omar", "li", "maria", "sven", "priya", "tom", "aiko"]
SURNAMES = ["doe", "haddad", "wang", "garcia", "berg", "patel", "o-neil", "sato"]
FRAMES = ["Please use {} from now on.", "{}", "The file says: {}, nothing else.", "({})", "contact={};ok", "A\n{}\nB"]


def digits(chance: Random, count: int) -> str:
    return "".join(str(chance.randrange(10)) for _ in range(count))


def word(chance: Random, count: int, of: str = LETTERS) -> str:
    return "".join(chance.choice(of) for _ in range(count))


def grouped(text: str, sizes: list[int], mark: str) -> str:
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    return mark.join(text[start : start + size] for start, size in zip(starts, sizes, strict=True))


def mail(chance: Random) -> str:
    one, other = chance.choice(NAMES), chance.choice(SURNAMES)
    user = chance.choice([f"{one}.{other}", f"{one}_{other}", f"{one}{digits(chance, 2)}", f"{one}+news", one.upper()])
    host = chance.choice(["mail.example.org", "example.co.uk", "firm-name.de", "x.io", "students.uni.example.edu"])
    return f"{user}@{host}"


def spelt_out(chance: Random) -> str:
    return mail(chance).replace("@", " at ").replace(".", " dot ")


def international(chance: Random) -> str:
    country = chance.choice(["1", "33", "44", "49", "91", "351"])
    start, mark = chance.choice(["+", "00"]), chance.choice([" ", "-", "."])
    rest = grouped("2" + digits(chance, 8), chance.choice([[3, 6], [2, 3, 4], [1, 2, 2, 2, 2], [9]]), mark)
    return f"{start}{country}{mark}{rest}"


def american(chance: Random) -> str:
    area, exchange, line = f"2{digits(chance, 2)}", f"5{digits(chance, 2)}", digits(chance, 4)
    return chance.choice([f"({area}) {exchange}-{line}", f"{area}-{exchange}-{line}", f"1-{area}-{exchange}-{line}"])


def national(chance: Random) -> str:
    return chance.choice([f"020 7946 0{digits(chance, 3)}", f"030/90{digits(chance, 6)}", f"07{digits(chance, 9)}"])


def card(chance: Random) -> str:
    start, size = chance.choice([("4", 16), ("51", 16), ("37", 15), ("6011", 16)])
    body = start + digits(chance, size - 1 - len(start))
    number = next(body + check for check in "0123456789" if luhn(body + check))
    sizes = [4, 6, 5] if size == 15 else [4, 4, 4, 4]
    return chance.choice([number, grouped(number, sizes, " "), grouped(number, sizes, "-")])


def iban(chance: Random) -> str:
    country, size = chance.choice([("DE", 18), ("ES", 20), ("NL", 14), ("FR", 23)])
    body = word(chance, 4, "ABCDEFGH") + digits(chance, size - 4) if country == "NL" else digits(chance, size)
    number = f"{country}{98 - mod_97(f'{country}00{body}'):02d}{body}"
    return chance.choice([number, " ".join(number[i : i + 4] for i in range(0, len(number), 4))])


def address(chance: Random) -> str:
    four = ".".join(str(chance.randint(1, 254)) for _ in range(4))
    six = ":".join(word(chance, 4, HEX) for _ in range(8))
    return chance.choice([four, four, six, f"fe80::{word(chance, 4, HEX)}:{word(chance, 3, HEX)}"])


def key(chance: Random) -> str:
    return chance.choice(
        [
            "AKIA" + word(chance, 16, LETTERS[26:]).upper(),
            "ghp_" + word(chance, 36),
            "sk-proj-1" + word(chance, 40),
            f"xoxb-{digits(chance, 11)}-{word(chance, 24)}",
            "hf_" + word(chance, 34),
            "AIza" + word(chance, 35),
        ]
    )


def unknown_key(chance: Random) -> str:
    return word(chance, 40)


def token(chance: Random) -> str:
    return f"eyJ{word(chance, 33)}.eyJ{word(chance, 60)}.{word(chance, 43)}"


def private_key(chance: Random) -> str:
    kind = chance.choice(["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "])
    return f"-----BEGIN {kind}PRIVATE KEY-----"


FORMS: list[tuple[str, Callable[[Random], str]]] = [
    *(("e-mail", form) for form in (mail, mail, mail, spelt_out)),
    *(("phone", form) for form in (international, international, american, national)),
    *(("API key", form) for form in (key, key, key, unknown_key)),
    *(("card", card), ("IBAN", iban), ("IP address", address), ("token", token), ("private key", private_key)),
]
LOOKALIKES: list[Callable[[Random], str]] = [
    lambda chance: f"order {digits(chance, 3)}-{digits(chance, 7)}-{digits(chance, 7)}",
    lambda chance: f"{chance.randint(1990, 2030)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d} 12:30:45",
    lambda chance: f"${digits(chance, 1)},{digits(chance, 3)},{digits(chance, 3)}.00 of {digits(chance, 9)}",
    lambda chance: f"version {chance.randint(1, 9)}.{digits(chance, 1)}.{digits(chance, 2)}, build {digits(chance, 6)}",
    lambda chance: f"ISBN 978-{digits(chance, 1)}-{digits(chance, 2)}-{digits(chance, 6)}-{digits(chance, 1)}",
    lambda chance: grouped(word(chance, 32, HEX), [8, 4, 4, 4, 12], "-"),
    lambda chance: f"sha256:{word(chance, 64, HEX)}",
    lambda chance: f"4{digits(chance, 15)}",  # a card number by chance once in ten
    lambda chance: f"DE{digits(chance, 20)}",  # an account number by chance once in a hundred
    lambda chance: f"@{chance.choice(NAMES)} wrote: see {chance.choice(SURNAMES)}@home",
    lambda chance: f"{digits(chance, 3)} {digits(chance, 3)} {digits(chance, 3)}",
    lambda chance: f"section {chance.randint(1, 9)}.{chance.randint(1, 9)}.{chance.randint(1, 9)}",
]


def rows(count: int, seed: int) -> list[tuple[str, Truth]]:
    """`count` rows of each form and as many of each look-alike: the text, and what stands in it."""
    chance, made = Random(seed), []
    for _ in range(count):
        for kind, form in FORMS:
            text = form(chance)
            made.append((chance.choice(FRAMES).format(text), [(kind, text)]))
        made += [(chance.choice(FRAMES).format(form(chance)), []) for form in LOOKALIKES]
    return made
