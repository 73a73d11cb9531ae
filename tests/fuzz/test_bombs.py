"""Small files made to be expensive, of the kinds that the server reads itself; `benchmarks/bombs.py` has all."""

import time

import pytest
from bombs import MOST_BYTES, answer_of, files
from figures import peak_growth

IN_SERVER = [title for title, (door, _) in files().items() if door != "clip"]
MOST_SECONDS, MOST_MEGABYTES = 1.5, 120.0
"""Cost of one of them, which all visitors bear: it takes the interpreter of the server. Worst seen: 0.8 s, 72 MB."""


@pytest.mark.parametrize("title", IN_SERVER)
def test_a_small_file_that_the_server_reads_costs_little(title):
    door, make = files()[title]
    data = make()
    assert len(data) < MOST_BYTES
    answer_of(door, b"no file of any kind")  # loads what every file needs
    began = time.process_time()
    grown = peak_growth(lambda: answer_of(door, data))
    assert time.process_time() - began < MOST_SECONDS
    assert grown < MOST_MEGABYTES
