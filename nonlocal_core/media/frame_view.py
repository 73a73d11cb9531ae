"""Conversion of a decoded frame to the picture on screen: colours, alpha, turn and size."""

from fractions import Fraction

import numpy as np
from av.buffer import Buffer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.reformatter import (
    ColorPrimaries,
    ColorRange,
    ColorTrc,
    Interpolation,
    VideoReformatter,
)
from jaxtyping import UInt8
from PIL import Image

from nonlocal_core.errors import MediaError
from nonlocal_core.media.pixels import Turn, on_grey, transparent_note

WIDEST_PIXEL = 10
"""Maximum pixel aspect; a larger one is a mistake in the file, since cinema and DVDs stay below 3."""

HD_ROWS = 720
"""Minimum number of rows of a video without a stated matrix that is assumed to be BT.709, as browsers do."""

_SMOOTH = (
    Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
)
_HDR = (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67)
_WIDE = (ColorPrimaries.BT2020, ColorPrimaries.SMPTE431, ColorPrimaries.SMPTE432)

_MATRICES = (0, 1, 2, 4, 5, 6, 7, 9)
"""Colour matrices that swscale converts, by their numbers in ITU-T H.273; 2 means that none is stated."""
_BT709, _NOT_TOLD = 1, 2

_LITTLE = {name + "be": name + "le" for name in ("rgb555", "rgb565", "bgr555", "bgr565")}
"""Formats that swscale 9 mistakes for the ones on the right, unless it converts the one to the other."""

_WIDENED = np.clip((np.arange(256) - 16) * 255 / 219, 0, 255).round().astype(np.uint8)
"""Greys of the limited range (16 to 235) that are expanded. swscale 9 does not, nor does ffmpeg's program for 8 bits,
which encoders fill from 0 to 255 whatever range they state."""

_ALPHA_NOISE = 1
"""Alpha that swscale makes out of 0 in 10 and 12 bits."""


class FrameView:
    """Conversion of the frames of one video, learned from its first; sentences for the user are added to ``notes``,
    assumptions that players also make to ``remarks``.

    ``aspect``: the pixel aspect of the first frame. ``alpha_is_told``: whether the container states that the video is
    transparent in places.
    """

    def __init__(
        self,
        name: str,
        first: VideoFrame,
        aspect: Fraction,
        *,
        alpha_is_told: bool,
        notes: list[str],
        remarks: list[str],
    ) -> None:
        self._name, self._notes, self._remarks = name, notes, remarks
        self._reformatter = VideoReformatter()
        self._first_hw, self._aspect = (first.height, first.width), aspect
        self.shown_hw = self._own_hw(first, None)
        self._assumed = _BT709 if first.height >= HD_ROWS else _NOT_TOLD
        self._alpha_is_true = alpha_is_told
        self._tell_of_colours(first)
        if _has_alpha(first):
            rgba = self._rgba(first)
            self._alpha_is_true |= bool(rgba[..., 3].max() > _ALPHA_NOISE)
            self._seen(rgba)

    def _tell_of_colours(self, first: VideoFrame) -> None:
        if first.color_trc in _HDR:
            self._tell("{} is HDR and shown without tone mapping: colours look flat.")
        elif first.color_primaries in _WIDE:
            self._tell("{} has a wide range of colours that is not converted: they look pale.")
        if first.colorspace not in _MATRICES:
            self._tell("{} codes its colours in a way not known here; they may look wrong.")
        if first.colorspace == _NOT_TOLD and self._assumed == _BT709 and _has_chroma(first):
            self._remark("{} does not say how it codes its colours; BT.709 is assumed, as players do.")

    def _tell(self, sentence: str) -> None:
        _add(self._notes, sentence.format(self._name))

    def _remark(self, sentence: str) -> None:
        _add(self._remarks, sentence.format(self._name))

    def picture(
        self, frame: VideoFrame, aspect: Fraction | None, shown_hw: tuple[int, int]
    ) -> UInt8[np.ndarray, "H W 3"]:
        """Return a frame at a size, between black margins if its shape differs from the first frame's.

        ``aspect``: the pixel aspect that the coded video states, or None if it states none. Raises MediaError.
        """
        hw = self._fitted_hw(frame, aspect, shown_hw)
        picture = self._rgb(frame, hw)
        if hw == shown_hw:
            return picture
        self._tell("{} changes its shape; frames that are not as the first are shown between black margins.")
        whole = np.zeros((*shown_hw, 3), dtype=np.uint8)
        top, left = (shown_hw[0] - hw[0]) // 2, (shown_hw[1] - hw[1]) // 2
        whole[top : top + hw[0], left : left + hw[1]] = picture
        return whole

    def _own_hw(self, frame: VideoFrame, aspect: Fraction | None) -> tuple[int, int]:
        stored_hw = (frame.height, frame.width)
        pixel = self._aspect if stored_hw == self._first_hw or aspect is None else aspect
        return _turn(frame).hw(_square_pixels(stored_hw, pixel))

    def _fitted_hw(self, frame: VideoFrame, aspect: Fraction | None, shown_hw: tuple[int, int]) -> tuple[int, int]:
        """Return the size of a frame of any shape inside the shown size, or that size if they differ by rounding."""
        height, width = self._own_hw(frame, aspect)
        scale = min(shown_hw[0] / height, shown_hw[1] / width)
        fitted = (max(1, round(height * scale)), max(1, round(width * scale)))
        is_alike = max(shown_hw[0] - fitted[0], shown_hw[1] - fitted[1]) <= 1
        return shown_hw if is_alike or (height, width) == self.shown_hw else fitted

    def _rgb(self, frame: VideoFrame, hw: tuple[int, int]) -> UInt8[np.ndarray, "H W 3"]:
        turn = _turn(frame)
        height, width = turn.hw(hw)
        if _has_alpha(frame):
            picture = Image.fromarray(self._seen(self._rgba(frame)))
            return turn.apply(on_grey(picture, (height, width)))
        rgb = self._converted(frame, "rgb24", (height, width))
        return turn.apply(_WIDENED[rgb] if _is_narrow_grey(frame) else rgb)

    def _rgba(self, frame: VideoFrame) -> UInt8[np.ndarray, "H W 4"]:
        rgba = self._converted(frame, "rgba", (frame.height, frame.width))
        if _is_narrow_grey(frame):
            rgba[..., :3] = _WIDENED[rgba[..., :3]]
        return rgba

    def _seen(self, rgba: UInt8[np.ndarray, "H W 4"]) -> UInt8[np.ndarray, "H W c"]:
        """Return a frame without its alpha if that is only padding: 0 everywhere, as in screen grabs.

        If the file states that it has alpha, or its first frame has any, a frame of alpha 0 is a blank one.
        """
        alpha = rgba[..., 3]
        if not self._alpha_is_true and alpha.max() <= _ALPHA_NOISE:
            self._remark("Frames of {} whose alpha is 0 everywhere are shown without it, as players do.")
            return rgba[..., :3]
        if alpha.min() < 255:
            _add(self._notes, transparent_note(self._name))
        return rgba

    def _converted(self, frame: VideoFrame, into: str, hw: tuple[int, int]) -> UInt8[np.ndarray, "H W c"]:
        """Return the pixels that swscale makes, given a matrix, a range and an order that it knows."""
        if frame.colorspace not in _MATRICES or frame.colorspace == _NOT_TOLD:
            frame.colorspace = self._assumed if _has_chroma(frame) else _NOT_TOLD
        if frame.color_range not in (ColorRange.MPEG, ColorRange.JPEG):
            frame.color_range = ColorRange.UNSPECIFIED
        little = _LITTLE.get(frame.format.name)
        try:
            if little is not None:
                frame = self._reformatter.reformat(frame, format=little)
            return self._reformatter.reformat(frame, hw[1], hw[0], into, interpolation=_SMOOTH).to_ndarray()
        except FFmpegError as fault:
            raise MediaError(
                f"The pixels of {self._name} ({frame.format.name}) cannot be shown. Save it as H.264, VP9 or AV1."
            ) from fault


def _has_alpha(frame: VideoFrame) -> bool:
    return frame.format.name == "pal8" or any(part.is_alpha for part in frame.format.components)


def _has_chroma(frame: VideoFrame) -> bool:
    return len(frame.format.components) >= 3 and not frame.format.is_rgb


def _is_narrow_grey(frame: VideoFrame) -> bool:
    is_grey = len(frame.format.components) < 3 and frame.format.name not in ("gray", "pal8")
    return is_grey and frame.color_range == ColorRange.MPEG


def _add(notes: list[str], note: str) -> None:
    if note not in notes:
        notes.append(note)


def _turn(frame: VideoFrame) -> Turn:
    try:
        matrix = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # PyAV does not know every kind of side data (EXIF), and then gives none
        cos, sin = (round(part(np.radians(frame.rotation))) for part in (np.cos, np.sin))
        return Turn.from_display_matrix(np.array([cos, -sin, 0, sin, cos], dtype=np.int32).tobytes())
    return Turn.from_display_matrix(bytes(matrix)) if isinstance(matrix, Buffer) else Turn()


def _square_pixels(hw: tuple[int, int], aspect: Fraction) -> tuple[int, int]:
    """Return the size with square pixels: never smaller than stored, as browsers do."""
    height, width = hw
    if not Fraction(1, WIDEST_PIXEL) <= aspect <= WIDEST_PIXEL:
        return hw
    return (height, round(width * aspect)) if aspect >= 1 else (round(height / aspect), width)
