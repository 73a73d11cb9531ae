"""The figure in a refusal, read back for tests that compare it."""

import re


def off_by(reason):
    """Return the rebuild error that a refused reading was refused for."""
    found = re.fullmatch(
        r"cannot be proved: its output, rebuilt from theta, phi and g, is off by (?:more than )?(\S+) %, "
        r"where \S+ % may be rounding\. It may use a mask, .*",
        reason,
    )
    assert found, reason
    return float(found[1]) / 100
