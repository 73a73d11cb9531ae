"""Small files made to be expensive, of the kinds that the server reads itself; `benchmarks/bombs.py` has all, timed."""

import pytest
from bombs import MOST_BYTES, answer_of, files
from figures import peak_growth

IN_SERVER = [title for title, (door, _) in files().items() if door != "clip"]
MOST_MEGABYTES = 120.0
"""Memory of one of them, which all visitors bear; worst seen: 72 MB."""


@pytest.mark.parametrize("title", IN_SERVER)
def test_a_small_file_that_the_server_reads_takes_little(title):
    door, make = files()[title]
    data = make()
    assert len(data) < MOST_BYTES
    answer_of(door, b"no file of any kind")  # loads what every file needs
    answers = []
    grown = peak_growth(lambda: answers.append(answer_of(door, data)))
    assert grown < MOST_MEGABYTES
    assert answers[0]
