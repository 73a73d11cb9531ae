"""Packing a bundle: the types in which tables travel, their measured errors, normalisers, and the first view."""

import io
from dataclasses import replace

import numpy as np
import pytest
from bundles import MODEL, header_of, make_block, make_bundle, make_frames
from PIL import Image

from nonlocal_core.bundle import Question, Storage, View, decode_bundle, encode_bundle, encode_columns
from nonlocal_core.bundle.container import ContainerReader
from nonlocal_core.bundle.encode import _half
from nonlocal_core.capture.record import Capture
from nonlocal_core.capture.rows import many_row_weights
from nonlocal_core.errors import BundleError

HALF_STEP = 2.0**-11  # float16 keeps 11 bits: rounding moves a value by at most this part of it


@pytest.mark.parametrize("pairwise", ["gaussian", "embedded_gaussian", "dot_product"])
def test_tables_come_back_within_half_precision(pairwise):
    block = make_block(pairwise)
    read = decode_bundle(make_bundle(block)).blocks[0]
    assert read.dtype == "float16"
    assert 0 < read.row_error <= 0.005
    np.testing.assert_allclose(read.capture.theta, block.theta, rtol=HALF_STEP, atol=1e-7)
    np.testing.assert_allclose(read.capture.phi, block.phi, rtol=HALF_STEP, atol=1e-7)


def test_concatenation_travels_in_full_precision():
    block = make_block("concatenation")
    read = decode_bundle(make_bundle(block)).blocks[0]
    assert (read.dtype, read.row_error, read.log_normaliser) == ("float32", 0.0, None)
    np.testing.assert_array_equal(read.capture.theta, block.theta)
    np.testing.assert_array_equal(read.capture.phi, block.phi)


def test_a_block_that_half_precision_would_hurt_travels_in_full():
    steep = make_block(scale=15.0)  # logits up to 100: rounding them by a thousandth moves weights by much more
    read = decode_bundle(make_bundle(steep)).blocks[0]
    assert read.dtype == "float32"
    np.testing.assert_array_equal(read.capture.theta, steep.theta)


def test_the_row_error_is_what_a_loop_measures():
    block = make_block(scale=2.0)
    read = decode_bundle(make_bundle(block)).blocks[0]
    worst = 0.0
    for theta, kept in zip(block.theta.astype(np.float64), read.capture.theta.astype(np.float64), strict=True):
        rows = [
            np.exp(block.scale * (phi.astype(np.float64) @ vector))
            for vector, phi in ((theta, block.phi), (kept, read.capture.phi))
        ]
        true, stored = (row / row.sum() for row in rows)
        worst = max(worst, np.abs(stored - true).max() / true.max())
    assert worst / 4 < read.row_error <= worst * 1.01  # 48 of 240 queries were sampled


@pytest.mark.parametrize("asker", [None, "register 2"])
@pytest.mark.parametrize("are_keys", [False, True])
def test_askers_come_back_with_the_one_that_asks(asker, are_keys):
    block = make_block()
    names = ("class token", "register 1", "register 2")
    asking = replace(block, askers=names, asker_theta=block.theta[:3], asker=asker, askers_are_keys=are_keys)
    read = decode_bundle(make_bundle(asking)).blocks[0].capture
    assert (read.askers, read.asker, read.askers_are_keys) == (names, asker, are_keys)
    np.testing.assert_allclose(read.asker_theta, block.theta[:3], rtol=HALF_STEP, atol=1e-7)


@pytest.mark.parametrize("size", [1e-6, 1e6], ids=["tiny", "huge"])
def test_tables_beyond_half_precision_are_scaled_by_a_power_of_two(size):
    block = make_block("dot_product", size=size)
    data = make_bundle(block)
    gain = header_of(data)[0]["blocks"][0]["theta"]["gain"]
    assert np.log2(gain) == np.round(np.log2(gain)) != 0
    read = decode_bundle(data).blocks[0]
    assert read.dtype == "float16"
    np.testing.assert_allclose(read.capture.theta, block.theta, rtol=HALF_STEP, atol=1e-6 * size)


@pytest.mark.parametrize("pairwise", ["gaussian", "embedded_gaussian", "dot_product"])
def test_the_small_choice_rounds_each_position_to_a_127th_of_its_own_peak(pairwise):
    block = make_block(pairwise, scale=0.2)
    data = make_bundle(block, precision="int8")
    read = decode_bundle(data).blocks[0]
    assert read.dtype == "int8"
    assert 0.005 < read.row_error <= 0.05
    for kept, true in ((read.capture.theta, block.theta), (read.capture.phi, block.phi)):
        step = np.abs(true).max(axis=1, keepdims=True) / 127
        assert (np.abs(kept - true) <= 0.501 * step).all()
        assert len(np.unique(np.rint(kept / step))) > 100
    theta = header_of(data)[0]["blocks"][0]["theta"]
    assert theta["length"] == block.theta.size
    assert theta["row_gains"]["shape"] == [len(block.theta)]


def test_the_row_error_of_the_small_choice_is_what_a_loop_measures():
    block = make_block("dot_product")
    read = decode_bundle(make_bundle(block, precision="int8")).blocks[0]
    worst = 0.0
    for theta, kept in zip(block.theta.astype(np.float64), read.capture.theta.astype(np.float64), strict=True):
        true, stored = block.phi.astype(np.float64) @ theta, read.capture.phi.astype(np.float64) @ kept
        worst = max(worst, np.abs(stored - true).max() / np.abs(true).max())
    assert worst / 4 < read.row_error <= worst * 1.01  # 48 of 240 queries were sampled


@pytest.mark.parametrize(("scale", "dtype"), [(0.2, "int8"), (2.0, "float16"), (15.0, "float32")])
def test_a_block_that_bytes_would_hurt_travels_wider(scale, dtype):
    read = decode_bundle(make_bundle(make_block(scale=scale), precision="int8")).blocks[0]
    assert read.dtype == dtype


def test_bytes_keep_zeros_and_the_sharing_of_equal_tables():
    block = make_block("gaussian", scale=0.2)
    block.theta[3] = block.phi[3] = 0
    twin = replace(block, phi=block.theta)
    data = make_bundle(twin, precision="int8")
    assert header_of(data)[0]["blocks"][0]["theta"] == header_of(data)[0]["blocks"][0]["phi"]
    read = decode_bundle(data).blocks[0].capture
    assert read.theta is read.phi
    assert not read.theta[3].any()


def test_a_table_of_zeros_is_no_trouble():
    read = decode_bundle(make_bundle(make_block("dot_product", size=0.0))).blocks[0]
    assert not read.capture.theta.any()


@pytest.mark.parametrize(
    ("scope", "groups"), [("spacetime", 1), ("spacetime", 2), ("space", 1), ("time", 1), ("time", 2)]
)
def test_the_normaliser_is_of_the_stored_tables_and_of_the_allowed_keys(scope, groups):
    block = make_block(grid=(4, 5, 6), scope=scope, groups=groups, subsample=(1, 2, 2), off_grid=("token",))
    read = decode_bundle(make_bundle(block, frames=make_frames(4))).blocks[0]
    kept, keys, queries = read.capture, block.key_grid, block.query_grid
    for index in (0, 37, 61, 119):
        at = queries.cell(index)
        own = (at.t, min(at.y // 2, keys.rows - 1), min(at.x // 2, keys.cols - 1))
        total = 0.0
        for j in range(len(kept.phi)):
            if j < keys.size:
                key = keys.cell(j)
                same_group = at.t // (4 // groups) == key.t // (4 // groups)
                allowed = {
                    "spacetime": same_group,
                    "space": key.t == own[0],
                    "time": same_group and (key.y, key.x) == own[1:],
                }[scope]
            else:
                allowed = scope != "space" or j - keys.size == own[0]
            if allowed:
                total += np.exp(kept.scale * (kept.theta[index].astype(np.float64) @ kept.phi[j].astype(np.float64)))
        assert read.log_normaliser[index] == pytest.approx(np.log(total), abs=3e-6)  # float32 of about 5


def test_frames_are_pictures_of_the_clip_no_longer_than_640():
    frames = make_frames(2, 720, 1280)
    pictures = [Image.open(io.BytesIO(data)) for data in decode_bundle(make_bundle(frames=frames)).frames]
    assert [picture.size for picture in pictures] == [(640, 360)] * 2
    small = decode_bundle(make_bundle(frames=make_frames(1))).frames[0]
    shown = np.asarray(Image.open(io.BytesIO(small)), np.int64)
    assert np.abs(shown - make_frames(1).rgb[0]).mean() < 12  # 9.1 seen: chroma is halved; another frame is 85 away


def test_without_a_view_the_last_block_is_asked_from_the_middle():
    view = decode_bundle(make_bundle(make_block(name="a"), make_block(name="b"))).view
    assert view == View(block="b", question=Question(frame=2, x=0.5, y=0.5))


def test_no_block_is_a_bundle_too():
    assert decode_bundle(make_bundle()).blocks == ()


@pytest.mark.parametrize(
    "view",
    [
        View(block="stride4"),
        View(question=Question(frame=5, x=0.5, y=0.5)),
        View(question=Question(frame=0, x=1.5, y=0.5)),
    ],
    ids=["block", "frame", "point"],
)
def test_a_view_of_what_is_not_there_is_refused_when_writing(view):
    with pytest.raises(BundleError, match="The view"):
        make_bundle(make_block(), view=view)


@pytest.mark.parametrize("question", [Question(frame=0, x=0.0, y=0.0), Question(frame=4, x=1.0, y=1.0)])
def test_the_corners_of_the_first_and_the_last_frame_can_be_asked(question):
    made = make_bundle(make_block(), frames=make_frames(5), view=View(question=question))
    assert decode_bundle(made).view.question == question


def test_a_block_of_too_many_positions_travels_without_its_normaliser(monkeypatch):
    block = make_block("gaussian")
    assert decode_bundle(make_bundle(block)).blocks[0].log_normaliser is not None
    monkeypatch.setattr("nonlocal_core.bundle.encode.MAX_NORMALISER_PRODUCTS", block.theta.size * block.key_count - 1)
    assert decode_bundle(make_bundle(block)).blocks[0].log_normaliser is None


def test_what_columns_need_comes_apart_and_is_the_same():
    capture = Capture(blocks=(make_block("gaussian"), make_block("dot_product", name="other")), classes=())
    whole = decode_bundle(encode_bundle(make_frames(), capture, model=MODEL))
    bare = decode_bundle(encode_bundle(make_frames(), capture, model=MODEL, storage=Storage(columns=False)))
    assert [block.log_normaliser for block in bare.blocks] == [None, None]
    reader = ContainerReader(encode_columns(capture))
    first, second = reader.header.children("blocks", most=2)
    assert (first.text("name"), second.text("name")) == ("stride16", "other")
    table = reader.table(first.child("log_normaliser"), (capture.blocks[0].query_grid.size,))
    np.testing.assert_array_equal(table, whole.blocks[0].log_normaliser)
    assert second.child_or_none("log_normaliser") is None


@pytest.mark.parametrize(
    ("peak", "gain"),
    [
        (2.0**-3, 1.0),
        (2.0**15, 1.0),
        (np.nextafter(np.float32(2**15), np.float32(2**16)), 2.0**4),  # float16 ends at 65504
        (65520.0, 2.0**4),
        (np.nextafter(np.float32(2**-3), np.float32(0)), 2.0**-15),
        (0.0, 1.0),
    ],
)
def test_tables_travel_as_float16_between_an_eighth_and_half_of_its_range(peak, gain):
    table = np.array([[peak, -peak / 3]], np.float32)
    stored = _half(table)
    assert stored.gain == gain
    assert np.isfinite(stored.table).all()
    np.testing.assert_allclose(stored.values, table, rtol=HALF_STEP)


def measured(monkeypatch, block, precision="float16"):
    """Queries whose rows were compared to find the error of a block."""
    asked = []

    def noted(which, queries):
        asked.append(queries.tolist())
        return many_row_weights(which, queries)

    monkeypatch.setattr("nonlocal_core.bundle.encode.many_row_weights", noted)
    make_bundle(block, precision=precision)
    assert asked[::2] == asked[1::2], "as they are, and as stored"
    return [query for some in asked[::2] for query in some]


def test_the_error_is_measured_on_48_rows_from_the_first_to_the_last(monkeypatch):
    asked = measured(monkeypatch, make_block("gaussian"))
    assert (len(asked), asked[0], asked[-1]) == (48, 0, 239)
    gaps = np.diff(asked)
    assert (gaps.min(), gaps.max()) == (5, 6)  # 239 / 47


def test_all_rows_of_bytes_are_measured_where_that_is_quick(monkeypatch):
    assert measured(monkeypatch, make_block("gaussian", scale=0.2), "int8") == list(range(240))
    monkeypatch.setattr("nonlocal_core.bundle.encode._MEASURED_PRODUCTS", 100 * 240 * 7)
    assert len(measured(monkeypatch, make_block("gaussian", scale=0.2), "int8")) == 100
    monkeypatch.setattr("nonlocal_core.bundle.encode._MEASURED_PRODUCTS", 0)
    assert len(measured(monkeypatch, make_block("gaussian", scale=0.2), "int8")) == 48
