"""Frames gathered from the pictures of a folder, of a list, or of an array, in order."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64, UInt8
from PIL import Image

from nonlocal_core.errors import MediaError
from nonlocal_core.media.arrays import frames_of_array, picture_of_array
from nonlocal_core.media.extensions import KNOWN_PICTURES, PICTURE_EXTENSIONS
from nonlocal_core.media.formats import picture_format
from nonlocal_core.media.frames import ASSUMED_RATE, Kind, assumed_rate_note
from nonlocal_core.media.limits import DecodeBudget, Limits
from nonlocal_core.media.media_file import MediaFile, as_media_file, display_name
from nonlocal_core.media.pictures import PictureClip, screen_picture
from nonlocal_core.media.pixels import GREY, on_grey, see_through_note
from nonlocal_core.media.refusal import check_is_read_here
from nonlocal_core.media.tones import Tones, tones_of

Item = MediaFile | np.ndarray | Image.Image
"""A picture of a gathered clip: a file, an array of one frame, or a picture of Pillow."""

_REMEDY = (
    "Put a picture, or what an iterator yields, in a list. A tensor goes in as tensor.cpu().numpy(), and where its "
    "channels come first as tensor.movedim(-3, -1).cpu().numpy()."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatheredPictures:
    """Pictures in order, under one name. ``origin``: folder, list or array. ``notes``: sentences for the user."""

    name: str
    origin: str
    items: Sequence[Item]
    notes: tuple[str, ...] = ()

    @property
    def byte_count(self) -> int:
        """Number of bytes of all files, and of all pixels that were given."""
        return sum(_byte_count(item) for item in self.items)

    def sha256(self) -> str:
        """Return the hash, in hex, of one line per picture: its hash, and its name if it is a file."""
        digest = hashlib.sha256()
        for item in self.items:
            name = item.name if isinstance(item, MediaFile) and isinstance(item.data, Path) else ""
            digest.update(f"{_digest(item)}  {name}\n".encode())
        return digest.hexdigest()


def gather_folder(folder: Path, *, name: str | None, limits: Limits) -> GatheredPictures:
    """Return the pictures of a folder in natural order, 2 before 10. Raises MediaError, MediaLimitError."""
    shown = display_name(name or folder.resolve().name)
    try:
        files = [path for path in folder.iterdir() if not path.name.startswith(".") and path.is_file()]
    except OSError as fault:
        raise MediaError(f"{shown} cannot be opened: {fault.strerror}.") from fault
    taken = sorted((path for path in files if path.suffix[1:].lower() in PICTURE_EXTENSIONS), key=_natural)
    if not taken:
        raise MediaError(
            f"{shown} is a folder without pictures (their names end in {', '.join(PICTURE_EXTENSIONS)}). "
            "Open one of its files, or a folder of frames."
        )
    limits.check_listed(shown, len(taken))
    left = len(files) - len(taken)
    gathered = GatheredPictures(
        name=shown,
        origin="folder",
        items=[as_media_file(path, name=None, limits=limits) for path in taken],
        notes=(f"{left} of the files in {shown} are no pictures by their names; they are left out.",) if left else (),
    )
    limits.check_bytes(shown, gathered.byte_count)
    return gathered


def gather_given(given: np.ndarray | Sequence[object], *, name: str | None, limits: Limits) -> GatheredPictures:
    """Return the frames of an array, or of a list of arrays, pictures of Pillow, paths and bytes. Raises MediaError."""
    if not isinstance(given, np.ndarray | list | tuple):
        raise MediaError(
            "Expected a path, bytes, a NumPy array, or a list of arrays, PIL images and paths; got "
            f"{type(given).__name__}. {_REMEDY}"
        )
    shown = display_name(name) if name else "array" if isinstance(given, np.ndarray) else "list"
    items: list[Item]
    notes: tuple[str, ...] = ()
    if isinstance(given, np.ndarray):
        items, origin = list(frames_of_array(given, shown)), "array"
        if len(items) == len(given) == 3 == given.ndim:
            notes = (
                f"{shown} of shape {given.shape} is shown as 3 grey frames. If it is one picture, put its channels "
                "last: np.moveaxis(array, 0, -1).",
            )
    else:
        items, origin = [_item(one, f"{shown}[{index}]", limits) for index, one in enumerate(given)], "list"
    if not items:
        raise MediaError(f"{shown} is empty: it has no frame. Give it one or more.")
    limits.check_listed(shown, len(items))
    return GatheredPictures(name=shown, origin=origin, items=items, notes=notes)


def _item(one: object, name: str, limits: Limits) -> Item:
    match one:
        case np.ndarray():
            frames = frames_of_array(one, name)
            if len(frames) > 1:
                raise MediaError(
                    f"{name}: expected one frame; got shape {one.shape}. Put channels last, np.moveaxis(array, 0, -1), "
                    "or pass an array of frames without a list."
                )
            return frames[0]
        case Image.Image():
            if one.mode.startswith("I") or one.mode == "F":
                raise MediaError(f"{name}: expected 8 bits per channel; got mode {one.mode}. Pass it as a uint8 array.")
            return one
        case bytes():
            return as_media_file(one, name=name, limits=limits)
        case str() | Path():
            return as_media_file(Path(one), name=None, limits=limits)
    raise MediaError(
        f"{name}: expected a NumPy array, a PIL image, a path or bytes; got {type(one).__name__}. {_REMEDY}"
    )


class GatheredClip:
    """The frames of gathered pictures, for one request; each is decoded when it is read, at the size of the first."""

    def __init__(self, gathered: GatheredPictures, limits: Limits) -> None:
        self.codec = gathered.origin
        self.notes: list[str] = list(gathered.notes)
        self.remarks: tuple[str, ...] = ()
        self._name, self._items, self._limits = gathered.name, gathered.items, limits
        self._budget = DecodeBudget(gathered.name, limits)
        self._tones: Tones | None = None
        count = len(gathered.items)
        self.kind: Kind = "animation" if count > 1 else "image"
        self.starts: Float64[np.ndarray, " N"] = np.arange(count) / float(ASSUMED_RATE)
        self.end_seconds = count / float(ASSUMED_RATE) if count > 1 else 0.0
        self.rate = ASSUMED_RATE if count > 1 else None
        limits.check_seconds(gathered.name, self.end_seconds)
        self.shown_hw = self._hw(gathered.items[0])
        if count > 1:
            self.notes.append(assumed_rate_note(f"{gathered.name} has {count} pictures"))

    def read(self, indices: Int64[np.ndarray, " T"], shown_hw: tuple[int, int]) -> Iterator[UInt8[np.ndarray, "H W 3"]]:
        """Yield the frames of ascending indices at a size; a picture of another shape has grey margins."""
        for index in indices.tolist():
            item = self._items[index]
            hw = self._hw(item)
            self._budget.spend(hw)
            scale = min(shown_hw[0] / hw[0], shown_hw[1] / hw[1])
            fitted = (max(1, round(hw[0] * scale)), max(1, round(hw[1] * scale)))
            picture = self._pixels(item, fitted)
            yield picture if fitted == shown_hw else self._boxed(picture, shown_hw)

    def _boxed(self, picture: UInt8[np.ndarray, "h w 3"], hw: tuple[int, int]) -> UInt8[np.ndarray, "H W 3"]:
        self._tell(f"The pictures of {self._name} differ in shape; they are fitted into the first one, grey beside.")
        box = np.full((*hw, 3), GREY, dtype=np.uint8)
        top, left = (hw[0] - picture.shape[0]) // 2, (hw[1] - picture.shape[1]) // 2
        box[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
        return box

    def _pixels(self, item: Item, hw: tuple[int, int]) -> UInt8[np.ndarray, "H W 3"]:
        if not isinstance(item, MediaFile):
            picture = screen_picture(_as_picture(item), self._name, self._tell)
            self._tell(see_through_note(picture, self._name))
            return on_grey(picture, hw)
        clip = self._clip(item)
        if self._tones is None and next(clip.numbers(), None) is not None:
            self._tones = tones_of(self._name, (n for other in self._clips() for n in other.numbers()))
            self._tell(self._tones.note)
        if self._tones is not None:
            clip.use_tones(self._tones)
        pixels = next(clip.read(np.zeros(1, dtype=np.int64), hw))
        for note in clip.notes:
            self._tell(note)
        return pixels

    def _clips(self) -> Iterator[PictureClip]:
        for item in self._items:
            if isinstance(item, MediaFile):
                clip = self._clip(item)
                self._budget.spend(clip.shown_hw)
                yield clip

    def _clip(self, item: MediaFile) -> PictureClip:
        head = item.head()
        check_is_read_here(head, item.name)
        found = picture_format(head)
        if found is None:
            raise MediaError(f"{item.name} in {self._name} is no picture ({KNOWN_PICTURES}). Take it out.")
        clip = PictureClip(item, found, self._limits)
        if clip.kind != "image":
            clip.notes.append(f"{item.name} in {self._name} moves; its first frame is taken.")
        return clip

    def _hw(self, item: Item) -> tuple[int, int]:
        if isinstance(item, MediaFile):
            return self._clip(item).shown_hw
        hw = item.shape[:2] if isinstance(item, np.ndarray) else item.size[::-1]
        self._limits.check_picture_size(self._name, hw)
        return hw

    def _tell(self, note: str) -> None:
        if note and note not in self.notes:
            self.notes.append(note)


def _as_picture(item: np.ndarray | Image.Image) -> Image.Image:
    return picture_of_array(item) if isinstance(item, np.ndarray) else item


def _natural(path: Path) -> tuple[list[tuple[bool, int, str]], str]:
    pieces = re.split(r"([0-9]{1,18})", path.name.lower())
    return [(piece.isdigit(), int(piece) if piece.isdigit() else 0, piece) for piece in pieces if piece], path.name


def _byte_count(item: Item) -> int:
    if isinstance(item, MediaFile):
        return item.byte_count
    return item.nbytes if isinstance(item, np.ndarray) else len(item.tobytes())


def _digest(item: Item) -> str:
    """Return the hash of a file's bytes, or of the type, shape and values of pixels."""
    if isinstance(item, MediaFile):
        return item.sha256()
    kind = f"{item.dtype.str} {item.shape}" if isinstance(item, np.ndarray) else f"{item.mode} {item.size[::-1]}"
    return hashlib.sha256(kind.encode() + b"\n" + item.tobytes()).hexdigest()
