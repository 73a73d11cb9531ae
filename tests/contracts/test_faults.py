"""Every fault of the picture in tests/FAULTS.md names tests that are there."""

import re

from lock import ROOT

TEXT = (ROOT / "tests" / "FAULTS.md").read_text()
NUMBERED = 8


def missing(text: str) -> list[str]:
    """The tests that a text names as `file::test` and that do not exist."""
    found = []
    for path, name in re.findall(r"`(tests/[\w/.]+)::([^`]+)`", text):
        written = (ROOT / path).read_text() if (ROOT / path).is_file() else ""
        if f'test("{name}"' not in written and f"def {name}(" not in written:
            found.append(f"{path}::{name}")
    return found


def test_every_numbered_fault_has_a_test_that_exists():
    rows = [line for line in TEXT.splitlines() if line.startswith("| ")][1:]
    assert {row.split()[1] for row in rows if row.split()[1].isdigit()} == {str(n + 1) for n in range(NUMBERED)}
    assert [row for row in rows if "::" not in row] == []
    assert missing(TEXT) == []


def test_a_test_that_is_not_there_is_found():
    assert missing("`tests/contracts/test_faults.py::test_absent`") == ["tests/contracts/test_faults.py::test_absent"]
