"""The bundle: what goes in comes out, and what is damaged is refused with a sentence."""

import copy
import io
import struct
from dataclasses import replace

import numpy as np
import pytest
from bundles import MODEL, full_bundle, header_of, make_block, make_bundle, make_frames, rebuilt
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from nonlocal_core.bundle import Bundle, Question, Storage, View, decode_bundle, encode_bundle, encode_columns
from nonlocal_core.bundle.container import ContainerReader
from nonlocal_core.bundle.encode import _half
from nonlocal_core.capture.record import UNTRAINED, Capture
from nonlocal_core.errors import BundleError

FULL = full_bundle()
HALF_STEP = 2.0**-11  # float16 keeps 11 bits: rounding moves a value by at most this part of it


def test_everything_comes_back():
    bundle = decode_bundle(FULL)
    assert bundle.media.name == "clip.mp4"
    assert bundle.media.shown_hw == (48, 64)
    assert bundle.media.pts_seconds == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert bundle.media.frame_indices == (0, 6, 12, 18, 24)
    assert (bundle.media.caption, bundle.media.licence) == ("A clip.", "CC0")
    assert [(c.name, c.score) for c in bundle.classes] == [("espresso", 0.75), ("cup", 0.125)]
    assert bundle.model.status == "trained"
    assert bundle.view.block == "stride16"
    assert bundle.view.question == Question(frame=1, x=0.25, y=1.0)
    assert bundle.view.tour[0].caption == "Look here."
    assert bundle.view.tour[0].block == "stride8"
    assert bundle.media.warnings == ("It is cut short.",)
    assert bundle.media.remarks == ()
    first, second = (block.capture for block in bundle.blocks)
    assert [block.warning for block in bundle.blocks] == [first.warning, second.warning] == ["a note", UNTRAINED]
    assert [block.proof for block in bundle.blocks] == [first.proof, second.proof]
    assert (first.head, first.note, first.off_grid_keys) == (3, "a note", ("class token",))
    assert first.rebuild_error == 2.5e-7
    assert (second.status, second.subsample, second.key_grid.shape) == ("untrained", (1, 2, 3), (5, 3, 2))


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


def test_that_a_block_has_windows_travels_and_others_say_nothing_of_it():
    block = make_block()
    assert "walled" not in header_of(make_bundle(block))[0]["blocks"][0]
    assert not decode_bundle(make_bundle(block)).blocks[0].capture.is_walled
    read = decode_bundle(make_bundle(replace(block, is_walled=True))).blocks[0]
    assert read.capture.is_walled
    assert "It attends within windows" in read.warning


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


def test_a_table_of_bytes_needs_its_gains_and_no_other_has_them():
    small, payload = header_of(make_bundle(make_block(scale=0.2), precision="int8"))
    del small["blocks"][0]["phi"]["row_gains"]
    with pytest.raises(BundleError, match=r"phi\.row_gains belongs"):
        decode_bundle(rebuilt(small, payload))
    large, payload = header_of(make_bundle(make_block()))
    large["blocks"][0]["phi"]["row_gains"] = large["blocks"][0]["theta"]
    with pytest.raises(BundleError, match=r"phi\.row_gains belongs"):
        decode_bundle(rebuilt(large, payload))


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


def test_identical_tables_share_their_bytes():
    twin = make_block("gaussian", grid=(5, 12, 16), channels=33)
    twin = type(twin)(**{name: getattr(twin, name) for name in twin.__slots__} | {"phi": twin.theta})
    data = make_bundle(twin)
    block = header_of(data)[0]["blocks"][0]
    assert block["theta"] == block["phi"]
    assert len(make_bundle(make_block("gaussian", grid=(5, 12, 16), channels=33))) - len(data) >= twin.phi.size * 2
    read = decode_bundle(data).blocks[0].capture
    assert read.theta is read.phi


def test_equal_bytes_of_different_meaning_do_not_collide():
    effect = np.zeros(240, np.float32)
    read = decode_bundle(make_bundle(make_block("concatenation", size=0.0, effect=effect))).blocks[0].capture
    assert read.theta.shape == (240, 1)
    assert read.effect.shape == (240,)


def test_the_same_input_gives_the_same_bytes_and_other_input_another_id():
    assert full_bundle() == FULL
    assert decode_bundle(make_bundle(make_block())).id != decode_bundle(make_bundle(make_block(seed=2))).id


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


def test_a_file_name_that_no_encoding_allows_survives():
    name = 'a\udcff"</script>\u2028.mp4'
    assert decode_bundle(make_bundle(frames=make_frames(name=name))).media.name == name


# Damage


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "starts with the letters NLVB"),
        (b"PK\x03\x04" + FULL[4:], "starts with the letters NLVB"),
        (struct.pack("<4sI", b"NLVB", 1) + FULL[8:], "version 3 of the bundle; got 1"),
        (FULL[:8] + struct.pack("<I", 2**32 - 1) + FULL[12:], "cut or damaged"),
        (FULL[:8] + struct.pack("<I", 60) + FULL[12:], "multiple of 64|JSON"),
        (FULL[:-1], "cut or damaged|does not match its id|payload"),
        (FULL + b"\x00", "does not match its id"),
    ],
    ids=["empty", "other", "version", "long header", "short header", "cut", "longer"],
)
def test_what_is_not_a_bundle_is_refused(data, sentence):
    with pytest.raises(BundleError, match=sentence):
        decode_bundle(data)


@settings(max_examples=120, deadline=None)
@given(place=st.integers(0, len(FULL) - 1), bit=st.integers(0, 7))
def test_no_flipped_bit_passes_unseen(place, bit):
    data = bytearray(FULL)
    data[place] ^= 1 << bit
    try:
        read = decode_bundle(bytes(data))
    except BundleError:
        return
    # JSON has spellings of equal meaning, such as padding and the case of an exponent: then all is still the same
    assert read.id == decode_bundle(FULL).id


@settings(max_examples=60, deadline=None)
@given(length=st.integers(0, len(FULL) - 1))
def test_no_cut_passes_unseen(length):
    with pytest.raises(BundleError):
        decode_bundle(FULL[:length])


def leaves(value, path=()):
    """Paths to every field; of a list, to its first entry only."""
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list) and value:
        yield from leaves(value[0], (*path, 0))


HEADER, PAYLOAD = header_of(FULL)
STRANGE = [None, True, -1, 0, 2**70, 1e400, 0.5, "x", [[]], {}]


@pytest.mark.parametrize("path", [path for path in leaves(HEADER) if path], ids=lambda path: ".".join(map(str, path)))
def test_a_strange_value_anywhere_is_refused_or_harmless(path):
    for strange in STRANGE:
        header = copy.deepcopy(HEADER)
        inner = header
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = strange
        try:
            read = decode_bundle(rebuilt(header, PAYLOAD))
        except BundleError:
            continue
        assert isinstance(read, Bundle)


@pytest.mark.parametrize("key", sorted(set(HEADER) - {"id"}))
def test_a_missing_field_is_named(key):
    header = {name: value for name, value in HEADER.items() if name != key}
    header.setdefault("version", 3) if key != "version" else None
    with pytest.raises(BundleError, match=key):
        decode_bundle(rebuilt(header, PAYLOAD))


def changed(**sections):
    header = copy.deepcopy(HEADER)
    for name, change in sections.items():
        header["blocks"][0][name].update(change)
    return rebuilt(header, PAYLOAD)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"offset": HEADER["blocks"][0]["theta"]["offset"] + 64}, "overlap|inside the payload"),
        ({"offset": 1}, "multiple of 64"),
        ({"length": 10**9}, "length"),
        ({"shape": [10**8, 7]}, "shape"),
        ({"shape": [7, 240]}, "shape"),
        ({"dtype": "float64"}, "one of int8, float16, float32"),
        ({"dtype": "float32"}, "length"),
        ({"gain": 1e38}, "not finite"),
        ({"gain": -1.0}, "gain"),
    ],
    ids=["overlap", "unaligned", "long", "many rows", "turned", "dtype", "wider", "gain", "negative gain"],
)
def test_a_section_that_lies_is_refused(change, sentence):
    with pytest.raises(BundleError, match=sentence):
        decode_bundle(changed(phi=change) if "offset" in change else changed(theta=change))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"pairwise": "dot_product", "log_normaliser": HEADER["blocks"][0]["theta"]},
            "belongs to rows divided by their sum",
        ),
        ({"pairwise": "concatenation", "log_normaliser": None}, "of a concatenation has one channel; got 7"),
        ({"subsample": [1, 0, 2]}, "pooling is 1 or more"),
        ({"temporal_groups": 2}, "temporal_groups divides 5 query and 5 key steps; got 2"),
    ],
    ids=["normaliser", "channels", "pooling", "groups"],
)
def test_a_block_that_contradicts_itself_is_refused(change, sentence):
    header = copy.deepcopy(HEADER)
    header["blocks"][0].update(change)
    with pytest.raises(BundleError, match=sentence):
        decode_bundle(rebuilt(header, PAYLOAD))


@pytest.mark.parametrize("span", [[3, 3], [4, 3], [0, 6], [-1, 2], [1], 2], ids=str)
def test_a_step_covers_at_least_one_frame_that_is_there(span):
    header = copy.deepcopy(HEADER)
    grid = header["blocks"][0]["query_grid"]
    grid["frame_spans"][3] = span
    with pytest.raises(BundleError, match="frame_spans"):
        decode_bundle(rebuilt(header, PAYLOAD))


def test_a_clip_may_be_long_and_a_grid_as_wide_as_the_page_allows():
    frames = replace(make_frames(2), frame_indices=np.array([7, 10**6]))
    read = decode_bundle(make_bundle(make_block(grid=(2, 1, 4096), channels=2), frames=frames))
    assert read.media.frame_indices == (7, 10**6)
    assert read.blocks[0].capture.query_grid.shape == (2, 1, 4096)
    with pytest.raises(BundleError, match="cols"):
        decode_bundle(make_bundle(make_block(grid=(2, 1, 4097), channels=2), frames=frames))


def test_a_table_has_as_many_channels_as_the_page_allows():
    narrow, wide = (make_bundle(make_block(grid=(1, 1, 1), channels=n), frames=make_frames(1)) for n in (2**16, 2**17))
    assert decode_bundle(narrow).blocks[0].capture.theta.shape == (1, 2**16)
    with pytest.raises(BundleError, match="channels"):
        decode_bundle(wide)


def test_values_that_are_not_finite_are_refused():
    offset = HEADER["blocks"][0]["log_normaliser"]["offset"]
    payload = PAYLOAD[:offset] + struct.pack("<f", float("nan")) + PAYLOAD[offset + 4 :]
    with pytest.raises(BundleError, match="not finite"):
        decode_bundle(rebuilt(HEADER, payload))


def test_a_picture_that_is_none_is_refused():
    offset = HEADER["frames"][0]["offset"]
    with pytest.raises(BundleError, match="image/jpeg"):
        decode_bundle(rebuilt(HEADER, PAYLOAD[:offset] + b"GI" + PAYLOAD[offset + 2 :]))


def test_a_header_nested_without_end_is_refused():
    text = b'{"a":' + b"[" * 200_000
    text += b" " * (-(12 + len(text)) % 64)
    with pytest.raises(BundleError, match="JSON"):
        decode_bundle(struct.pack("<4sII", b"NLVB", 3, len(text)) + text)


def test_two_blocks_of_one_name_are_refused():
    header = copy.deepcopy(HEADER)
    header["blocks"][1]["name"] = header["blocks"][0]["name"]
    header["view"]["tour"] = []
    with pytest.raises(BundleError, match="different names"):
        decode_bundle(rebuilt(header, PAYLOAD))


def test_the_test_that_rebuilds_headers_changes_nothing_by_itself():
    assert rebuilt(copy.deepcopy(HEADER), PAYLOAD) == FULL


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
