"""Reading a bundle back: what went in comes out, and a field that cannot be is refused with a sentence."""

import copy
from dataclasses import replace

import numpy as np
import pytest
from bundles import full_bundle, header_of, make_block, make_bundle, make_frames, rebuilt

from nonlocal_core.bundle import Bundle, PictureStorage, Question, decode_bundle
from nonlocal_core.capture.record import UNTRAINED
from nonlocal_core.errors import BundleError

FULL = full_bundle()


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


def test_that_a_block_has_windows_travels_and_others_say_nothing_of_it():
    block = make_block()
    assert "walled" not in header_of(make_bundle(block))[0]["blocks"][0]
    assert not decode_bundle(make_bundle(block)).blocks[0].capture.is_walled
    read = decode_bundle(make_bundle(replace(block, is_walled=True))).blocks[0]
    assert read.capture.is_walled
    assert "It attends within windows" in read.warning


def test_a_file_name_that_no_encoding_allows_survives():
    name = 'a\udcff"</script>\u2028.mp4'
    assert decode_bundle(make_bundle(frames=make_frames(name=name))).media.name == name


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


def test_a_picture_that_is_none_is_refused():
    offset = HEADER["frames"][0]["offset"]
    with pytest.raises(BundleError, match="image/jpeg"):
        decode_bundle(rebuilt(HEADER, PAYLOAD[:offset] + b"GI" + PAYLOAD[offset + 2 :]))


def test_two_blocks_of_one_name_are_refused():
    header = copy.deepcopy(HEADER)
    header["blocks"][1]["name"] = header["blocks"][0]["name"]
    header["view"]["tour"] = []
    with pytest.raises(BundleError, match="different names"):
        decode_bundle(rebuilt(header, PAYLOAD))


WEBP = PictureStorage(long_side=40, codec="webp", quality=80)


@pytest.mark.parametrize("damage", [(0, b"RIFX"), (8, b"WAVE")])
def test_a_webp_that_is_none_is_refused(damage):
    header, payload = header_of(make_bundle(pictures=WEBP))
    start = header["frames"][0]["offset"] + damage[0]
    with pytest.raises(BundleError, match="picture of image/webp"):
        decode_bundle(rebuilt(header, payload[:start] + damage[1] + payload[start + 4 :]))


def test_pictures_of_another_type_are_refused():
    header, payload = header_of(make_bundle(pictures=WEBP))
    header["frames"][1]["type"] = "image/svg+xml"
    with pytest.raises(BundleError, match=r"image/jpeg, image/webp"):
        decode_bundle(rebuilt(header, payload))


def test_a_picture_of_the_other_type_is_refused():
    header, payload = header_of(make_bundle(pictures=WEBP))
    header["frames"][1]["type"] = "image/jpeg"
    with pytest.raises(BundleError, match="picture of image/jpeg"):
        decode_bundle(rebuilt(header, payload))
