"""Limits on the cost of reading a file: each has a name, a default and a sentence."""

from dataclasses import dataclass

from nonlocal_core.errors import MediaLimitError


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most that reading one file may cost; a file beyond a limit raises MediaLimitError with its name.

    >>> Limits(max_seconds=60.0).check_seconds("talk.mp4", 90.0)
    Traceback (most recent call last):
    nonlocal_core.errors.MediaLimitError: talk.mp4 lasts 90 s; clips up to 60 s are read (limit max_seconds). Cut it.
    """

    max_bytes: int = 2 * 1024**3
    """Size of a file."""
    max_picture_bytes: int = 256 * 1024**2
    """Size of a picture or an animation, whose decoders read the whole file into memory."""
    max_pixels: int = 80_000_000
    """Pixels of a picture, as stored and as shown."""
    max_video_pixels: int = 8192 * 4608
    """Pixels of a video frame: 8K. A decoder holds a score of frames at once."""
    max_seconds: float = 4 * 3600.0
    """Length of a clip."""
    max_frames: int = 128
    """Frames read at once."""
    max_listed_frames: int = 1_000_000
    """Packets of a video and frames of an animation: four hours at 60 per second are 864,000."""
    max_decoded_frames: int = 20_000
    """Frames decoded to reach the ones asked for."""
    max_decoded_pixels: int = 20_000_000_000
    """Their pixels: 9,645 frames of 1920 x 1080."""

    def check_bytes(self, name: str, count: int) -> None:
        """Refuse a file that is too large."""
        if count > self.max_bytes:
            raise MediaLimitError(
                f"{name} has {count:,} bytes; files up to {self.max_bytes:,} bytes are read (limit max_bytes). "
                "Cut or compress it."
            )

    def check_picture_bytes(self, name: str, count: int) -> None:
        """Refuse a picture file that is too large."""
        if count > self.max_picture_bytes:
            raise MediaLimitError(
                f"{name} is a picture of {count:,} bytes; pictures and animations up to "
                f"{self.max_picture_bytes:,} bytes are read (limit max_picture_bytes). "
                "Compress it, or save an animation as a video."
            )

    def check_picture_size(self, name: str, hw: tuple[int, int]) -> None:
        """Refuse a picture with too many pixels, or none."""
        _check_pixels(name, "picture", hw, self.max_pixels, "max_pixels")

    def check_video_size(self, name: str, hw: tuple[int, int]) -> None:
        """Refuse a video whose frames have too many pixels, or none."""
        _check_pixels(name, "video", hw, self.max_video_pixels, "max_video_pixels")

    def check_seconds(self, name: str, seconds: float) -> None:
        """Refuse a clip that is too long."""
        if seconds > self.max_seconds:
            raise MediaLimitError(
                f"{name} lasts {seconds:,.0f} s; clips up to {self.max_seconds:,.0f} s are read "
                "(limit max_seconds). Cut it."
            )

    def check_frames(self, name: str, count: int) -> None:
        """Refuse to read too many frames at once."""
        if count > self.max_frames:
            raise MediaLimitError(
                f"{count:,} frames of {name} were asked for; up to {self.max_frames:,} are read at once "
                "(limit max_frames). Ask for fewer."
            )

    def check_listed(self, name: str, count: int) -> None:
        """Refuse a clip with too many frames."""
        if count > self.max_listed_frames:
            raise MediaLimitError(
                f"{name} has more than {self.max_listed_frames:,} frames, the most that are read "
                "(limit max_listed_frames). Cut it."
            )


def _check_pixels(name: str, kind: str, hw: tuple[int, int], most: int, limit: str) -> None:
    height, width = hw
    if height * width > most:
        raise MediaLimitError(
            f"{name} is a {kind} of {width:,} × {height:,} pixels; up to {most:,} pixels are read (limit {limit}). "
            "Make it smaller."
        )


class DecodeBudget:
    """Counts the frames decoded for one request and stops it at the limit."""

    __slots__ = ("_frames", "_limits", "_name", "_pixels")

    def __init__(self, name: str, limits: Limits) -> None:
        self._name, self._limits = name, limits
        self._frames = self._pixels = 0

    def spend(self, hw: tuple[int, int]) -> None:
        """Count one decoded frame of this size. Raises MediaLimitError when the budget is used up."""
        self._frames += 1
        self._pixels += hw[0] * hw[1]
        for used, most, unit, limit in (
            (self._frames, self._limits.max_decoded_frames, "frames", "max_decoded_frames"),
            (self._pixels, self._limits.max_decoded_pixels, "pixels", "max_decoded_pixels"),
        ):
            if used > most:
                raise MediaLimitError(
                    f"Reaching these frames of {self._name} takes more than {most:,} decoded {unit} (limit {limit}). "
                    "Ask for fewer frames, cut the clip, or save it with more keyframes."
                )
