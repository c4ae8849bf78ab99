"""Numbers that tell who somebody is or how to pay as him, known by their check digits."""

from __future__ import annotations

import re

_ISSUER = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|(?:5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12})"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|3(?:0[0-5]|[689]\d)\d{11}"  # Diners
    r"|6(?:011|5\d\d|4[4-9]\d)\d{12}"  # Discover
    r"|35(?:2[89]|[3-8]\d)\d{12}"  # JCB
    r"|62\d{14}"  # UnionPay
)

_COUNTRIES = {
    15: "NO",
    16: "BE",
    18: "DK FI FO GL NL",
    19: "MK SI",
    20: "AT BA EE KZ LT LU XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HU LB PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU",
    31: "MT SC",
    32: "LC",
}
"""The length of an account number in these countries (SWIFT, IBAN registry)."""
_LENGTHS = {country: length for length, row in _COUNTRIES.items() for country in row.split()}


def is_card(digits: str) -> bool:
    """Whether digits are a payment card's: issuer prefix, length, Luhn digit (ISO/IEC 7812)."""
    if not _ISSUER.fullmatch(digits):
        return False
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


def iban_in(text: str) -> int:
    """How many characters of the text, from its first, are an IBAN; 0 when it has none there.

    Args:
        text: capitals and digits, perhaps in groups with a blank between (ISO 13616).
    """
    length, end, seen = _LENGTHS.get(text[:2], 0), 0, ""
    while end < len(text) and len(seen) < length:
        seen += text[end].strip()
        end += 1
    if len(seen) != length or not length or text[end : end + 1].isalnum():
        return 0
    moved = int("".join(str(int(each, 36)) for each in seen[4:] + seen[:4]))
    return end if moved % 97 == 1 else 0
