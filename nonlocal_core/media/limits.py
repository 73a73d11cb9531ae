"""Limits on the cost of reading a file: each has a name, a default and a sentence."""

from dataclasses import dataclass, replace

from nonlocal_core.errors import MediaLimitError


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits on the cost of reading one file; a file beyond a limit raises MediaLimitError with the limit's name.

    >>> Limits(max_seconds=60.0).check_seconds("talk.mp4", 90.0)
    Traceback (most recent call last):
    nonlocal_core.errors.MediaLimitError: talk.mp4 lasts 90 s; clips up to 60 s are read (limit max_seconds). Cut it.
    """

    max_bytes: int = 2 * 1024**3
    """Size of a file in bytes."""
    max_picture_bytes: int = 256 * 1024**2
    """Size in bytes of a picture or an animation, whose decoders read the whole file into memory."""
    max_pixels: int = 80_000_000
    """Pixels of a picture, as stored and as shown."""
    max_picture_memory: int = 600_000_000
    """Bytes in use at once while a picture is decoded, by its format, its depth and its size."""
    max_unpacked_pixels: int = 200_000_000
    """Pixels decoded from a picture or an animation of few bytes, over all of its frames."""
    max_unpacked_per_byte: int = 100
    """Further pixels for each byte of the file: a long animation has enough bytes, a decompression bomb does not."""
    max_video_pixels: int = 8192 * 4608
    """Pixels of a video frame: 8K. A decoder holds about twenty frames at once."""
    max_light_video_pixels: int = 4096 * 2304
    """Pixels of a frame in a video of few bytes: 4K, plus eight for each byte."""
    max_seconds: float = 4 * 3600.0
    """Length of a clip in seconds."""
    max_frames: int = 128
    """Number of frames read at once."""
    max_listed_frames: int = 1_000_000
    """Number of packets of a video or frames of an animation: four hours at 60 per second are 864,000."""
    max_decoded_frames: int = 20_000
    """Number of frames decoded to reach the ones asked for."""
    max_decoded_pixels: int = 20_000_000_000
    """Pixels of those frames: 9,645 frames of 1920 x 1080."""
    max_light_decoded_pixels: int = 3_000_000_000
    """Pixels decoded of a video of few bytes: 1,446 frames of 1920 x 1080, plus 3,000 for each byte."""

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

    def check_picture_size(self, name: str, hw: tuple[int, int], channels: int = 1) -> None:
        """Refuse a picture with too many pixels; each separately unpacked channel counts as a picture."""
        kind = "picture" if channels == 1 else f"picture of {channels} channels, each"
        _check_pixels(name, kind, hw, self.max_pixels // channels, "max_pixels")

    def check_picture_memory(self, name: str, hw: tuple[int, int], bytes_per_pixel: float) -> None:
        """Refuse a picture whose decoding takes too much memory at once."""
        needed = hw[0] * hw[1] * bytes_per_pixel
        if needed > self.max_picture_memory:
            raise MediaLimitError(
                f"{name} has {hw[1]:,} × {hw[0]:,} pixels, which take {needed / 1e6:,.0f} MB to decode; up to "
                f"{self.max_picture_memory / 1e6:,.0f} MB are used (limit max_picture_memory). Make it smaller, or "
                "save it as JPEG."
            )

    def check_unpacked(self, name: str, pixels: float, byte_count: int) -> None:
        """Refuse a picture or an animation that unpacks to far more than its bytes can hold."""
        most = self.max_unpacked_pixels + self.max_unpacked_per_byte * byte_count
        if pixels > most:
            raise MediaLimitError(
                f"Reading {name} decodes {pixels:,.0f} pixels from {byte_count:,} bytes; up to {most:,} are decoded "
                "from so few (limits max_unpacked_pixels, max_unpacked_per_byte). Save it anew, smaller; an animation "
                "as a video."
            )

    def check_video_size(self, name: str, hw: tuple[int, int], byte_count: int) -> None:
        """Refuse a video whose frames have no pixels or too many, with a lower limit for one of few bytes."""
        _check_pixels(name, "video", hw, self.max_video_pixels, "max_video_pixels")
        light = self.max_light_video_pixels + 8 * byte_count
        _check_pixels(name, f"video of {byte_count:,} bytes", hw, light, "max_light_video_pixels")

    def for_video(self, byte_count: int) -> "Limits":
        """Return the limits for a video of ``byte_count`` bytes, whose decoding is bound by what they can hold."""
        light = self.max_light_decoded_pixels + 3_000 * byte_count
        return replace(self, max_decoded_pixels=min(self.max_decoded_pixels, light))

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
    """Count of the frames decoded for one request, which is stopped at the limit."""

    __slots__ = ("_frames", "_limits", "_name", "_pixels")

    def __init__(self, name: str, limits: Limits) -> None:
        self._name, self._limits = name, limits
        self._frames = self._pixels = 0

    def spend(self, hw: tuple[int, int]) -> None:
        """Count one decoded frame of this size. Raises MediaLimitError if the budget is used up."""
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
