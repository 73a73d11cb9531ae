"""Blocks that fit into a limit: which are kept, in which order, and which one is shown."""

from dataclasses import replace

import pytest
from bundles import MODEL, make_block, make_frames

from nonlocal_core.bundle import Storage, blocks_within, encode_bundle
from nonlocal_core.bundle.encode import stored_bytes
from nonlocal_core.capture.record import Capture

SMALL = Storage(precision="int8")


@pytest.fixture
def capture():
    """Three blocks of very different size; the largest is the one to show."""
    sizes = {"small": 7, "large": 90, "middle": 30}
    blocks = tuple(
        make_block(name=name, channels=channels, scale=0.01, seed=channels) for name, channels in sizes.items()
    )
    return Capture(blocks=blocks, shown="large")


def weight(capture):
    """Return what the blocks of a bundle weigh, all else apart."""
    without = encode_bundle(make_frames(), replace(capture, blocks=(), shown=None), model=MODEL, storage=SMALL)
    return len(encode_bundle(make_frames(), capture, model=MODEL, storage=SMALL)) - len(without)


def test_what_fits_is_kept_in_its_order_and_weighs_no_more(capture):
    sizes = {block.name: stored_bytes(block, SMALL) for block in capture.blocks}
    assert sizes["small"] < sizes["middle"] < sizes["large"]
    cases = {
        2 * sum(sizes.values()): (["small", "large", "middle"], "large"),
        sizes["large"] + sizes["middle"] // 2 + sizes["small"] // 2: (["small", "large"], "large"),
        sizes["large"] - 3000: (["small", "middle"], "small"),
        sizes["small"] + 1500: (["small"], "small"),
    }
    for most, (names, shown) in cases.items():
        kept = blocks_within(capture, most, SMALL)
        assert ([block.name for block in kept.blocks], kept.shown) == (names, shown)
        assert weight(kept) <= most


def test_where_nothing_fits_the_smallest_is_kept(capture):
    kept = blocks_within(capture, 10, SMALL)
    assert ([block.name for block in kept.blocks], kept.shown) == (["small"], "small")


def test_equal_tables_are_counted_once(capture):
    block = replace(capture.block("large"), pairwise="gaussian")
    twin = replace(block, phi=block.theta)
    one = blocks_within(Capture(blocks=(capture.block("small"), twin)), stored_bytes(twin, SMALL) + 1200, SMALL)
    assert one.shown == twin.name


def test_a_block_that_fits_to_the_byte_is_kept_and_of_a_byte_less_the_next_smaller(capture):
    large = capture.block("large")
    tables = stored_bytes(large, replace(SMALL, columns=False))
    most = tables + 4 * large.query_grid.size  # and the sum of each row in float32
    assert blocks_within(capture, most, SMALL).shown == "large"
    assert blocks_within(capture, most - 1, SMALL).shown == "small"
