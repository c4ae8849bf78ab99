"""Secrets made from tests/data/secrets, in every shape; no secret stands in a file.

`made_of` in kinds.csv is a row of pieces: literal text, or an alphabet's letter and a count: d
digits, h hexadecimal, l small letters, u capitals and digits, w letters and digits, s those with
"-" and "_", b base64.
"""

from __future__ import annotations

import csv
import random
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

FOLDER = Path(__file__).parent.parent / "data" / "secrets"
_WORD = string.ascii_letters + string.digits
_ALPHABETS = {
    "d": string.digits,
    "h": "0123456789abcdef",
    "l": string.ascii_lowercase,
    "u": string.ascii_uppercase + string.digits,
    "w": _WORD,
    "s": _WORD + "-_",
    "b": _WORD + "+/",
}
ENDS = ("PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY")


@dataclass(frozen=True)
class Planted:
    kind: str
    shape: str
    secret: str
    """As it stands in the text."""
    text: str


def innocent() -> list[str]:
    """Texts that have no secret."""
    lines = (FOLDER / "innocent.txt").read_text(encoding="utf-8").splitlines()
    return lines


def planted(seed: int) -> Iterator[Planted]:
    """Every kind in every shape that suits it."""
    chance = random.Random(seed)
    with (FOLDER / "shapes.csv").open(encoding="utf-8", newline="") as file:
        shapes = list(csv.DictReader(file))
    with (FOLDER / "kinds.csv").open(encoding="utf-8", newline="") as file:
        kinds = list(csv.DictReader(file))
    for kind in kinds:
        for shape in shapes:
            if shape["for"] == "bare" and kind["bare"] != "yes":
                continue
            if shape["for"] == "url" and kind["name"] in ("ssn", "iban", "pan", "email"):
                continue
            secret = made(kind["made_of"], chance)
            if "user" in shape["where"] and len(secret) < 16:
                continue
            if "://" in shape["text"] or "%3D" in shape["text"]:
                secret = quote(secret, safe="" if kind["name"] != "email" else "@")
            text = shape["text"].replace("NAME", kind["name"]).replace("@@", secret, 1)
            yield Planted(kind["kind"], shape["where"], secret, text)
    for end in ENDS:
        for number, text in enumerate(_keys(end, chance)):
            line = max(re.findall(r"[\w+/]{40,}", text), key=len)[:64]
            yield Planted(f"PEM, {end}", str(number), line, text)


def _keys(end: str, chance: random.Random) -> list[str]:
    lines = [made("b64", chance) for _ in range(6)]
    whole = "\n".join([f"-----BEGIN {end}-----", *lines, f"-----END {end}-----"])
    escaped = whole.replace("\n", "\\n")
    return [
        whole,
        f"loaded {whole} from disk",
        f'{{"private_key": "{escaped}", "client_id": "1"}}',
        whole[:180],
        "  ".join(f"    {line}\n" for line in whole.split("\n")),
        f"PRIVATE_KEY={escaped}",
        f"Traceback (most recent call last):\n  File x\nValueError: {whole}\nat line 3",
    ]


def made(of: str, chance: random.Random) -> str:
    match of:
        case "SSN":
            return (
                f"{chance.randint(100, 665)}-{chance.randint(10, 99)}-{chance.randint(1000, 9999)}"
            )
        case "CARD":
            return _card("4" + "".join(chance.choices("0123456789", k=14)))
        case "IBAN":
            account = "".join(chance.choices("0123456789", k=18))
            return f"DE{98 - int(account + '131400') % 97:02d}{account}"
    parts = []
    for piece in of.split(" "):
        letter, count = piece[:1], piece[1:]
        if letter in _ALPHABETS and count.isdecimal() and piece != "s3":
            parts.append("".join(chance.choices(_ALPHABETS[letter], k=int(count))))
        else:
            parts.append(piece)
    return "".join(parts)


def _card(body: str) -> str:
    doubled = sum(sum(divmod(2 * int(each), 10)) for each in body[::-2])
    return body + str(-(doubled + sum(map(int, body[-2::-2]))) % 10)
