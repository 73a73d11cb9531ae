"""The container under a bundle: sections that are shared, checked, and refused when they lie or were damaged."""

import copy
import struct

import numpy as np
import pytest
from bundles import full_bundle, header_of, make_block, make_bundle, rebuilt
from hypothesis import given, settings
from hypothesis import strategies as st

from nonlocal_core.bundle import decode_bundle
from nonlocal_core.bundle.container import ContainerWriter
from nonlocal_core.errors import BundleError

FULL = full_bundle()


def test_a_table_of_bytes_needs_its_gains_and_no_other_has_them():
    small, payload = header_of(make_bundle(make_block(scale=0.2), precision="int8"))
    del small["blocks"][0]["phi"]["row_gains"]
    with pytest.raises(BundleError, match=r"phi\.row_gains belongs"):
        decode_bundle(rebuilt(small, payload))
    large, payload = header_of(make_bundle(make_block()))
    large["blocks"][0]["phi"]["row_gains"] = large["blocks"][0]["theta"]
    with pytest.raises(BundleError, match=r"phi\.row_gains belongs"):
        decode_bundle(rebuilt(large, payload))


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_header_holds_no_number_that_json_has_no_word_for(number):
    with pytest.raises(ValueError, match="JSON compliant"):
        ContainerWriter().pack({"rebuild_error": number})


def test_identical_tables_share_their_bytes():
    twin = make_block("gaussian", grid=(5, 12, 16), channels=33)
    twin = type(twin)(**{name: getattr(twin, name) for name in twin.__slots__} | {"phi": twin.theta})
    data = make_bundle(twin)
    block = header_of(data)[0]["blocks"][0]
    assert block["theta"] == block["phi"]
    assert len(make_bundle(make_block("gaussian", grid=(5, 12, 16), channels=33))) - len(data) >= twin.phi.size * 2
    read = decode_bundle(data).blocks[0].capture
    assert read.theta is read.phi


def test_pictures_that_share_their_bytes_are_held_once():
    header, payload = header_of(full_bundle())
    header["frames"] = [header["frames"][0]] * len(header["frames"])
    first, *others = decode_bundle(rebuilt(header, payload)).frames
    assert others
    assert all(picture is first for picture in others)


def test_equal_bytes_of_different_meaning_do_not_collide():
    effect = np.zeros(240, np.float32)
    read = decode_bundle(make_bundle(make_block("concatenation", size=0.0, effect=effect))).blocks[0].capture
    assert read.theta.shape == (240, 1)
    assert read.effect.shape == (240,)


def test_the_same_input_gives_the_same_bytes_and_other_input_another_id():
    assert full_bundle() == FULL
    assert decode_bundle(make_bundle(make_block())).id != decode_bundle(make_bundle(make_block(seed=2))).id


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


HEADER, PAYLOAD = header_of(FULL)


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


def test_values_that_are_not_finite_are_refused():
    offset = HEADER["blocks"][0]["log_normaliser"]["offset"]
    payload = PAYLOAD[:offset] + struct.pack("<f", float("nan")) + PAYLOAD[offset + 4 :]
    with pytest.raises(BundleError, match="not finite"):
        decode_bundle(rebuilt(HEADER, payload))


def test_the_test_that_rebuilds_headers_changes_nothing_by_itself():
    assert rebuilt(copy.deepcopy(HEADER), PAYLOAD) == FULL
