"""Endings of file names, against those of Pillow and of libav."""

import itertools

import pytest
from av.format import ContainerFormat
from PIL import Image

from nonlocal_core.media.extensions import PICTURE_EXTENSIONS, PICTURE_FORMATS, VIDEO_FORMATS

DEMUXERS = {
    "MP4": "mp4",
    "MOV": "mov",
    "MKV": "matroska",
    "WebM": "webm",
    "AVI": "avi",
    "TS": "mpegts",
    "FLV": "flv",
    "OGG": "ogg",
    "WMV": "asf",
    "H.264": "h264",
    "HEVC": "hevc",
    "MJPEG": "mjpeg",
}


def test_pillow_has_the_same_format_for_an_ending_that_it_knows() -> None:
    known = Image.registered_extensions()
    assert {ending for ending in PICTURE_EXTENSIONS if f".{ending}" not in known} == {"btf", "tf8"}
    for name, endings in PICTURE_FORMATS.items():
        told = {known[f".{ending}"] for ending in endings if f".{ending}" in known}
        assert told - {"DIB"} == {name.upper()}, "a DIB is a BMP without its file header"


@pytest.mark.parametrize(("name", "demuxer"), DEMUXERS.items())
def test_libav_has_one_of_its_endings_too(name: str, demuxer: str) -> None:
    assert set(VIDEO_FORMATS[name]) & ContainerFormat(demuxer).extensions


def test_no_ending_stands_for_two_formats() -> None:
    every = [*itertools.chain.from_iterable((PICTURE_FORMATS | VIDEO_FORMATS).values())]
    assert len(every) == len(set(every))
    assert all(ending.isalnum() and ending == ending.lower() for ending in every)
