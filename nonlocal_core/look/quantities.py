"""Numbers in words, the same on screen and in files."""

import re
from decimal import ROUND_HALF_UP, Decimal

_QUANTITY = re.compile(r"(?<=\d) (?=(?:%|s|ms|[kMG]B)(?![\w%]))")


def percent(share: float) -> str:
    """Return a share in words: 43 %, 4.3 %, <0.1 %; a share that is not zero is never shown as zero.

    >>> percent(0.0432), percent(0.4321), percent(0.0)
    ('4.3 %', '43 %', '0 %')
    """
    value = 100 * share
    if 0 < value < 0.1:
        return "<0.1 %"
    digit = Decimal("1") if value >= 9.95 or value == 0 else Decimal("0.1")
    return f"{Decimal(value).quantize(digit, ROUND_HALF_UP)} %"


def unbroken(text: str) -> str:
    """Return a text for a page in which no line breaks between a number and its unit.

    >>> unbroken("17 % stays for 2 s of 3 spots") == "17\xa0% stays for 2\xa0s of 3 spots"
    True
    """
    return _QUANTITY.sub("\xa0", text)
