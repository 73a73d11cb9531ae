"""Masks beside a clip: ``dog.masks/00012.png`` is that of frame 12 of ``dog.mp4``, numbered as in DAVIS."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
from jaxtyping import Bool

from nonlocal_core.capture import BlockCapture
from nonlocal_core.errors import NonlocalError
from nonlocal_core.measures.tracking import object_pixels, propagation
from nonlocal_core.media import Frames, Limits
from nonlocal_core.survey.addresses import files_below, is_remote, read_bytes
from nonlocal_core.vocabulary import SAMPLE_PREFIX

ENDING = ".masks"
"""Suffix of the folder's name, in place of the clip's own."""
Read = Callable[[Path | bytes, str], Frames]
"""Function that returns the picture in a file, given a name."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KnownMasks:
    """Masks of the frames that were read, by their index among them, or the reason why there are none.

    Both are empty if there is no folder of masks beside the clip.
    """

    masks: Mapping[int, Bool[np.ndarray, "h w"]] = field(default_factory=dict)
    reason: str | None = None

    def propagation(self, block: BlockCapture) -> tuple[float | None, str | None]:
        """Return the result of `measures.tracking.propagation` for a block, or None and the reason."""
        if not self.masks:
            return None, self.reason
        try:
            return propagation(block, self.masks), None
        except NonlocalError as refusal:
            return None, str(refusal)


NO_MASKS = KnownMasks()


def is_mask(address: str) -> bool:
    """Return whether a file is in a folder of masks, and so is not a clip.

    >>> is_mask("set/dog.masks/00012.png"), is_mask("set/dog.mp4")
    (True, False)
    """
    return any(part.endswith(ENDING) for part in PurePosixPath(address).parts[:-1])


def known_masks(clip: str, frames: Frames, read: Read) -> KnownMasks:
    """Return the masks beside a clip for the frames that were read; pixels that are not black are the object's.

    ``read`` opens a mask. An error in one of them is the reason why there are none.
    """
    try:
        beside = _beside(clip)
        wanted = {place: index for place, index in enumerate(frames.frame_indices.tolist()) if index in beside}
        if beside and not wanted:
            numbers = ", ".join(map(str, frames.frame_indices.tolist()))
            return KnownMasks(reason=f"The masks beside it are of other frames than those that were read: {numbers}.")
        size_hw = frames.rgb.shape[1:3]
        masks = {place: object_pixels(read(*_file(beside[index])), size_hw) for place, index in wanted.items()}
        return KnownMasks(masks=masks)
    except NonlocalError as fault:
        return KnownMasks(reason=f"Masks beside it cannot be used: {fault}")


def _beside(clip: str) -> dict[int, str]:
    """Return the addresses of the masks of a clip by frame number. Raises SurveyError."""
    if clip.startswith(SAMPLE_PREFIX):
        return {}
    folder = _folder(clip)
    files = files_below(folder) if is_remote(clip) else tuple(str(file) for file in Path(folder).glob("*"))
    stems = {PurePosixPath(file).stem: file for file in files}
    return {int(stem): file for stem, file in stems.items() if stem.isdecimal()}


def _folder(clip: str) -> str:
    if Path(clip).is_dir():
        return f"{clip.rstrip('/')}{ENDING}"
    parent, slash, name = clip.rpartition("/")
    return f"{parent}{slash}{name.rpartition('.')[0] or name}{ENDING}"


def _file(address: str) -> tuple[Path | bytes, str]:
    """Return the source at an address, for ``read``, and its file name."""
    source = read_bytes(address, Limits()) if is_remote(address) else Path(address)
    return source, address.rpartition("/")[2]
