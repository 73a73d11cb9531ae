"""Frames from a folder, a list or an array: their order, their sizes, their identity, and what is refused."""

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from media_files import number_of, stamped, stamps
from PIL import Image

from nonlocal_core import Session
from nonlocal_core.cli import main
from nonlocal_core.errors import MediaError, MediaLimitError
from nonlocal_core.media import Limits, Selection, probe, read_frames
from nonlocal_core.media.gathered import GatheredClip, gather_folder, gather_given
from nonlocal_core.media.pixels import GREY

ALL = Selection(frames=30, stride=1)


def fill(folder: Path, names: list[str]) -> Path:
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        Image.fromarray(stamped(number)).save(folder / name)
    return folder


def test_a_folder_is_read_in_natural_order(tmp_path: Path) -> None:
    folder = fill(tmp_path / "walk", ["Frame1.png", "frame2.bmp", "frame10.tif", "frame0100.png"])
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "notes.txt").write_text("x")
    (folder / "more").mkdir()
    frames = read_frames(folder, ALL)
    assert [number_of(picture) for picture in frames.rgb] == [0, 1, 2, 3]
    info = frames.info
    assert (info.name, info.kind, info.codec, info.frame_count) == ("walk", "animation", "folder", 4)
    assert (info.rate, info.duration_seconds, info.shown_hw) == (10, 0.4, (48, 80))
    assert info.byte_count == sum(path.stat().st_size for path in folder.iterdir() if path.name.lower().startswith("f"))
    assert info.warnings == (
        "1 of the files in walk are no pictures by their names; they are left out.",
        "walk has 4 pictures and no times; they are shown as frames in their order, 10 a second.",
    )


def test_a_folder_is_told_from_another_by_names_and_contents(tmp_path: Path) -> None:
    folder = fill(tmp_path / "a", ["1.png", "2.png"])
    lines = "".join(f"{hashlib.sha256((folder / n).read_bytes()).hexdigest()}  {n}\n" for n in ("1.png", "2.png"))
    assert probe(folder).sha256 == hashlib.sha256(lines.encode()).hexdigest()
    before = probe(folder).sha256
    (folder / "2.png").rename(folder / "3.png")
    assert probe(folder).sha256 != before


def test_pictures_of_another_shape_have_grey_beside_and_a_note(tmp_path: Path) -> None:
    folder = fill(tmp_path / "mixed", ["1.png", "2.png"])
    Image.new("RGB", (24, 48), (250, 0, 0)).save(folder / "3.png")
    Image.fromarray(stamped(5, (96, 160))).save(folder / "4.png")
    frames = read_frames(folder, ALL)
    assert number_of(frames.rgb[3]) == 5  # twice as large, and of the same shape
    assert (frames.rgb[2, :, 28:52] == (250, 0, 0)).all()
    assert (frames.rgb[2, :, :28] == GREY).all()
    assert (frames.rgb[2, :, 52:] == GREY).all()
    assert any("differ in shape" in warning for warning in frames.info.warnings)
    assert not any("differ" in warning for warning in read_frames(folder, Selection(frame_indices=(0, 3))).warnings)


def test_deep_pictures_of_a_folder_are_shown_on_one_scale(tmp_path: Path) -> None:
    for number in range(4):
        Image.fromarray(np.full((8, 9), 400 * number, np.uint16)).save(tmp_path / f"{number}.png")
    frames = read_frames(tmp_path, ALL)
    assert frames.rgb[:, 0, 0, 0].tolist() == [0, 85, 170, 255]
    assert read_frames(tmp_path, Selection(frame_indices=(1,))).rgb[0, 0, 0, 0] == 85
    assert sum("stretched" in warning for warning in frames.info.warnings) == 1


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("clip.png", stamps(3), r"clip\.png in \w+ is no picture"),
        ("photo.jpg", b"\0\0\0\x18ftypheic" + bytes(60), r"photo\.jpg is a HEIC photo"),
        ("photo.jpg", b"\xff\xd8\xff\xe0", r"photo\.jpg cannot be read"),
        ("photo.jpg", b"", r"photo\.jpg is empty"),
    ],
)
def test_a_file_that_is_no_picture_is_named(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MediaError, match=message):
        read_frames(tmp_path, ALL)


def test_a_folder_is_held_to_the_limits(tmp_path: Path) -> None:
    folder = fill(tmp_path / "few", ["1.png", "2.png", "3.png"])
    total = probe(folder).byte_count
    for limits, message in (
        (Limits(max_bytes=total - 1), "max_bytes"),
        (Limits(max_listed_frames=2), "max_listed_frames"),
        (Limits(max_seconds=0.2), "max_seconds"),
        (Limits(max_pixels=48 * 80 - 1), "max_pixels"),
        (Limits(max_decoded_frames=2), "max_decoded_frames"),
    ):
        with pytest.raises(MediaLimitError, match=message):
            read_frames(folder, Selection(frames=3, stride=1), limits=limits)
    (tmp_path / "nothing").mkdir()
    with pytest.raises(MediaError, match="nothing is a folder without pictures"):
        probe(tmp_path / "nothing")


def test_the_command_line_takes_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = fill(tmp_path / "walk", ["1.png", "2.png", "3.png"])
    assert main(["query", str(folder), "--frames", "3", "--short-side", "64", "--device", "cpu", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["clip"] == {"name": "walk", "sha256": probe(folder).sha256}
    assert len(answer["per_step_share"]) == 3


CLIP = np.stack([stamped(n) for n in range(1, 6)])


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (CLIP, CLIP),
        (CLIP[2], CLIP[2:3]),
        (CLIP[..., 0], CLIP),
        (CLIP[2, ..., 0], CLIP[2:3]),
        (CLIP / 255, CLIP),
        ((CLIP / 255).astype(np.float32)[:, ::-1], CLIP[:, ::-1]),
        (np.concatenate([CLIP, np.full_like(CLIP[..., :1], 255)], axis=-1), CLIP),
    ],
)
def test_arrays_are_frames(array: np.ndarray, expected: np.ndarray) -> None:
    frames = read_frames(array, ALL)
    assert (frames.rgb == expected).all()
    still = len(expected) == 1
    assert (frames.info.kind, frames.info.codec, frames.info.name) == (
        "image" if still else "animation",
        "array",
        "array",
    )
    assert frames.info.rate == (None if still else 10)
    assert probe(array).sha256 == frames.info.sha256 == probe(array.copy()).sha256
    assert probe(array).sha256 != probe(array[..., ::-1, :] if array.ndim > 3 else array[::-1]).sha256


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (CLIP.astype(np.int64), r"got int64\. Scale it to 0 to 255"),
        (CLIP.astype(np.uint16), r"got uint16\. Scale it to 0 to 255"),
        (CLIP.astype(np.float32), r"floats from 0 \(black\) to 1 \(white\); got 0 to 255"),
        (np.full((4, 5), np.nan), "got nan to nan"),
        (np.moveaxis(CLIP, -1, 1), r"shape \(5, 3, 48, 80\)\. Put the channels last"),
        (CLIP[None], r"shape \(1, 5, 48, 80, 3\)\. Reshape it"),
        (np.zeros((0, 4, 5, 3), np.uint8), r"shape \(0, 4, 5, 3\)"),
        (np.zeros(9, np.uint8), r"shape \(9,\)"),
        (np.zeros((4, 5, 6, 7), np.uint8), r"shape \(4, 5, 6, 7\)"),
    ],
)
def test_other_arrays_are_refused_with_the_remedy(array: np.ndarray, message: str) -> None:
    with pytest.raises(MediaError, match=message):
        read_frames(array, ALL, name="mine")


def test_lists_hold_arrays_pictures_paths_and_bytes(tmp_path: Path) -> None:
    Image.fromarray(CLIP[2]).save(tmp_path / "third.png")
    file = io.BytesIO()
    Image.fromarray(CLIP[3]).save(file, "BMP")
    given = [CLIP[0], Image.fromarray(CLIP[1]), tmp_path / "third.png", file.getvalue(), str(tmp_path / "third.png")]
    frames = read_frames(given, ALL, name="five")
    assert [number_of(picture) for picture in frames.rgb] == [1, 2, 3, 4, 3]
    assert (frames.info.name, frames.info.codec) == ("five", "list")
    assert probe(given).sha256 == frames.info.sha256 != probe(given[::-1]).sha256


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "is empty: it has no frame"),
        ([CLIP], r"list\[0\]: expected one frame; got shape \(5, 48, 80, 3\)"),
        ([CLIP[0], 7], r"list\[1\]: expected a NumPy array.*got int"),
        ([Image.new("F", (4, 4))], r"got mode F"),
        (range(3), r"got range\. Put a picture, or what an iterator yields, in a list"),
        ([np.moveaxis(CLIP[0], -1, 0)], r"got shape \(3, 48, 80\)\. Put channels last, np\.moveaxis\(array, 0, -1\)"),
        ([torch.zeros(3, 48, 80)], r"come first as tensor\.movedim\(-3, -1\)\.cpu\(\)\.numpy\(\)"),
    ],
)
def test_other_lists_are_refused_with_the_remedy(given: object, message: str) -> None:
    with pytest.raises(MediaError, match=message):
        read_frames(given, ALL)


def test_three_grey_frames_are_said_to_be_none_of_colour() -> None:
    told = "array of shape (3, 48, 80) is shown as 3 grey frames. If it is one picture, put its channels last: "
    assert any(note.startswith(told) for note in read_frames(np.moveaxis(CLIP[0], -1, 0), ALL).warnings)
    for other in (CLIP[:3], CLIP[:4, ..., 0], CLIP[0, :3]):
        assert not any("grey frames" in note for note in read_frames(other, ALL).warnings)


def test_a_session_opens_an_array() -> None:
    session = Session.open(CLIP, frames=5, short_side=64, device="cpu")
    assert session.frames.info.codec == "array"
    assert (session.frames.rgb == CLIP).all()
    assert len(session.query(frame=2, x=0.5, y=0.5).per_step_share) == 5


def clip_of(*given: np.ndarray, limits: Limits = Limits()) -> GatheredClip:  # noqa: B008 -- frozen
    return GatheredClip(gather_given(list(given), name="it", limits=limits), limits)


@pytest.mark.parametrize(
    ("hw", "box"),
    [
        ((40, 60), (0, 40, 0, 60)),
        ((60, 40), (0, 40, 16, 43)),  # 26.7 columns
        ((4000, 4), (0, 40, 29, 30)),  # a hundredth of a column is one
        ((4, 6000), (19, 20, 0, 60)),
        ((10, 15), (0, 40, 0, 60)),
    ],
)
def test_a_picture_of_another_shape_stands_in_the_middle(hw: tuple[int, int], box: tuple[int, int, int, int]) -> None:
    clip = clip_of(np.zeros((40, 60, 3), np.uint8), np.full((*hw, 3), 250, np.uint8))
    (picture,) = clip.read(np.array([1]), (40, 60))
    expected = np.full((40, 60, 3), GREY, np.uint8)
    expected[box[0] : box[1], box[2] : box[3]] = 250
    np.testing.assert_array_equal(picture, expected)
    assert sum("differ in shape" in note for note in clip.notes) == (box != (0, 40, 0, 60))


def test_gathered_pictures_last_a_tenth_of_a_second() -> None:
    one, three = clip_of(CLIP[0]), clip_of(*CLIP[:3])
    assert (one.kind, one.rate, one.end_seconds, one.starts.tolist(), one.notes) == ("image", None, 0.0, [0.0], [])
    assert (three.kind, three.rate, three.end_seconds) == ("animation", 10, 0.3)
    assert three.starts.tolist() == [0.0, 0.1, 0.2]
    assert three.notes == ["it has 3 pictures and no times; they are shown as frames in their order, 10 a second."]
    assert clip_of(CLIP[0], CLIP[1]).kind == "animation"


def test_bytes_of_what_is_given_are_those_of_its_pixels() -> None:
    grey, colours = Image.new("L", (7, 5)), np.zeros((5, 7, 3), np.uint8)
    assert gather_given([grey, colours, b"abcd"], name=None, limits=Limits()).byte_count == 35 + 105 + 4


def test_the_hash_is_that_of_a_line_for_each_picture() -> None:
    grey, colours = Image.new("L", (7, 5), 9), np.arange(105, dtype=np.uint8).reshape(5, 7, 3)
    hashes = (
        hashlib.sha256(b"L (5, 7)\n" + bytes([9]) * 35).hexdigest(),
        hashlib.sha256(b"|u1 (5, 7, 3)\n" + bytes(range(105))).hexdigest(),
        hashlib.sha256(b"abcd").hexdigest(),
    )
    expected = hashlib.sha256("".join(f"{one}  \n" for one in hashes).encode()).hexdigest()
    assert gather_given([grey, colours, b"abcd"], name=None, limits=Limits()).sha256() == expected


def test_numbers_in_names_count_as_numbers_up_to_eighteen_digits(tmp_path: Path) -> None:
    most = "a" + "9" * 18 + ".png"
    for name in ("b.png", "a2.png", "a10.png", "A3.png", most, "a02.png"):
        Image.new("L", (2, 2)).save(tmp_path / name)
    gathered = gather_folder(tmp_path, name=None, limits=Limits())
    assert [item.name for item in gathered.items] == ["a02.png", "a2.png", "A3.png", "a10.png", most, "b.png"]
