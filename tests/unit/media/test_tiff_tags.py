"""The weight of tags, by the sizes of TIFF's types, at the limit and one byte above."""

import struct

import pytest

from nonlocal_core.errors import MediaError
from nonlocal_core.media import tiff_tags
from nonlocal_core.media.tiff_tags import check_tags

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes of a value of each type (TIFF 6.0, section 2; its supplement 1; BigTIFF)."""


def tags(*entries: tuple[int, int], order: str = "<", big: bool = False, length: int = 0, link: int = 0) -> bytes:
    """Return a TIFF of one directory of (type, count) entries, padded to a length; ``link``: of the next."""
    magic = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    head = magic + (struct.pack(order + "HHQ", 8, 0, 16) if big else struct.pack(order + "I", 8))
    body = struct.pack(order + ("Q" if big else "H"), len(entries))
    for kind, count in entries:
        body += struct.pack(order + ("HHQQ" if big else "HHII"), 270, kind, count, 0)
    return (head + body + struct.pack(order + ("Q" if big else "I"), link)).ljust(length, b"\0")


def weight_at_most(data: bytes, spare: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(tiff_tags, "SPARE_BYTES", spare)
    try:
        check_tags(data, "it")
    except MediaError:
        return False
    return True


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("kind", range(21))
def test_a_tag_weighs_its_entry_and_its_values(
    kind: int, big: bool, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tags((kind, 5), (kind, 3), order=order, big=big, length=200)
    weight = 2 * (20 if big else 12) + 8 * SIZES.get(kind, 0)
    assert weight_at_most(data, weight - 200, monkeypatch)
    assert not weight_at_most(data, weight - 201, monkeypatch)


def test_no_tag_weighs_more_than_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    data = tags((4, 2**32 - 1), (2, 101), length=100)
    assert weight_at_most(data, 2 * 12 + 100, monkeypatch)
    assert not weight_at_most(data, 2 * 12 + 99, monkeypatch)


def test_tags_may_weigh_32_megabytes_beyond_their_file() -> None:
    length, spare = 2**20, 32 * 2**20
    entries = [(1, length)] * 32
    check_tags(tags(*entries, (1, length - 33 * 12), length=length), "it")
    with pytest.raises(MediaError, match="its tags unpack to far more bytes than it has"):
        check_tags(tags(*entries, (1, length - 33 * 12 + 1), length=length), "it")
    assert 33 * 12 + 32 * length + length - 33 * 12 == length + spare


def test_all_directories_count_and_none_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    first = tags((1, 30), link=100, length=100)
    second = tags((1, 40), link=8)[8:]  # which leads back to the first
    data = (first + second).ljust(200, b"\0")
    assert weight_at_most(data, 2 * 12 + 70 - 200, monkeypatch)
    assert not weight_at_most(data, 2 * 12 + 70 - 201, monkeypatch)


@pytest.mark.parametrize("big", [False, True])
def test_what_is_cut_short_is_left_to_its_reader(big: bool) -> None:
    whole = tags((1, 30), (1, 30), big=big)
    for cut in range(len(whole)):
        check_tags(whole[:cut], "it")
    many = struct.pack("<Q" if big else "<H", 65_535)
    check_tags(whole.replace(struct.pack("<Q" if big else "<H", 2), many, 1), "it")
