"""Videos, read by PyAV: only the groups of pictures that hold a wanted frame are decoded."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Literal

import numpy as np
from av.buffer import Buffer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, ColorTrc, Interpolation, VideoReformatter
from jaxtyping import Float64, Int64, UInt8
from PIL import Image

from nonlocal_core.errors import MediaError
from nonlocal_core.media.formats import VideoFormat
from nonlocal_core.media.limits import DecodeBudget, Limits
from nonlocal_core.media.listing import Listing, Run, StaleListingError
from nonlocal_core.media.pixels import Turn, on_grey
from nonlocal_core.media.source import Source
from nonlocal_core.media.stream import Threads, VideoPass

GUESSED_RATE = Fraction(25)
"""Frames per second where a container tells neither times nor a rate."""

WIDEST_PIXEL = 10
"""A pixel aspect beyond this is a mistake in the file; cinema and DVDs stay below 3."""

SKIPPABLE = ("h264", "hevc")
"""Codecs whose decoders skip single frames on request."""

_SMOOTH = (
    Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
)
_HDR = (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67)

_MATRICES = (0, 1, 2, 4, 5, 6, 7, 9)
"""Colour matrices that swscale converts, by their numbers in ITU-T H.273; 2 means that none is told."""
_NOT_TOLD = 2


class VideoClip:
    """A video, for one request: its facts, and its frames when asked.

    Opening decodes the first frame only. Raises MediaError when no frame can be decoded, and MediaLimitError when
    the video is too large or too long.
    """

    kind: Literal["video"] = "video"

    def __init__(self, source: Source, demuxer: VideoFormat, limits: Limits) -> None:
        self.notes: list[str] = []
        self._source, self._demuxer, self._limits = source, demuxer, limits
        self._budget = DecodeBudget(source.name, limits)
        self._reformatter = VideoReformatter()
        with self._pass() as video:
            self.codec, self.rate = video.codec, video.rate
            self._tick = video.stream.time_base or 1 / GUESSED_RATE
            self._listing = Listing.of(video, source.name, limits)
            if video.video_count > 1:
                self.notes.append(f"{source.name} holds {video.video_count} videos; one of them is read.")
            if video.cut_short or (self._listing is not None and video.packets_read < video.stream.frames):
                self.notes.append(f"{source.name} is cut short; what can be read of it is shown.")
        if self._listing is not None:
            self._lay_out(self._listing.pts, self._listing.last_ticks)
        self._look_at_first()
        if self._listing is None:
            self.recount()

    def _pass(self, threads: Threads = "AUTO") -> VideoPass:
        return VideoPass(self._source, self._demuxer, self._limits, self._budget, threads)

    def _look_at_first(self) -> None:
        """Learn from the first frame what a container may not tell: turn, size, and where frames begin to decode."""
        with self._pass("SLICE") as video:
            first = next(video.frames(video.packets()), None)
            aspect = video.stream.sample_aspect_ratio or Fraction(1)
        if first is None:
            raise MediaError(f"No frame of {self._source.name} can be decoded. It is damaged: save it again.")
        matrix = first.side_data.get("DISPLAYMATRIX")
        self._turn = Turn.from_display_matrix(bytes(matrix)) if isinstance(matrix, Buffer) else Turn()
        self.shown_hw = self._turn.hw(_square_pixels((first.height, first.width), aspect))
        self._limits.check_video_size(self._source.name, self.shown_hw)
        if first.color_trc in _HDR:
            self.notes.append(f"{self._source.name} is HDR and shown without tone mapping: colours look flat.")
        if first.colorspace not in _MATRICES:
            self.notes.append(f"{self._source.name} codes its colours in a way not known here; they may look wrong.")
        if self._listing is not None:
            rank = self._listing.rank_of(first.pts)
            # A recording that starts in mid-air lists frames whose references are missing; they never come out.
            self._listing = None if rank is None else self._listing.from_rank(rank)
            if self._listing is not None:
                self._lay_out(self._listing.pts, self._listing.last_ticks)

    def _lay_out(self, pts: Int64[np.ndarray, " N"], last_ticks: int) -> None:
        seconds = (pts - pts[0]).astype(np.float64) * self._tick.numerator / self._tick.denominator
        gaps = np.diff(seconds)
        typical = float(np.median(gaps)) if len(gaps) else float(1 / (self.rate or GUESSED_RATE))
        last = last_ticks * self._tick.numerator / self._tick.denominator
        self.starts: Float64[np.ndarray, " N"] = seconds
        self.end_seconds = float(seconds[-1]) + (last or typical)
        self._limits.check_seconds(self._source.name, self.end_seconds)

    def recount(self) -> None:
        """Decode all frames once, so that times and indices are those of frames that really come out."""
        self._listing = None
        with self._pass("SLICE") as video:
            stamps = [frame.pts for frame in video.frames(video.packets())]
        self._tell_damage(video)
        known = [pts for pts in stamps if pts is not None]
        pts = np.array(known, dtype=np.int64)
        if len(known) < len(stamps) or (np.diff(pts) <= 0).any():
            self.rate = self.rate or GUESSED_RATE
            self._tick = 1 / self.rate
            pts = np.arange(len(stamps), dtype=np.int64)
            self.notes.append(
                f"{self._source.name} does not say when its frames appear; {float(self.rate):g} per second is assumed."
            )
        self._lay_out(pts, 0)

    def _tell_damage(self, video: VideoPass) -> None:
        if video.damaged_packets:
            self.notes.append(
                f"{self._source.name} is damaged: {video.damaged_packets} of the packets read cannot be decoded."
            )

    def read(self, indices: Int64[np.ndarray, " T"], shown_hw: tuple[int, int]) -> Iterator[UInt8[np.ndarray, "H W 3"]]:
        """Yield the frames of ascending indices at a size.

        Raises StaleListingError when decoding proves wrong what the container lists; ``recount`` and choose again.
        """
        frames = self._through(set(indices.tolist())) if self._listing is None else self._jumping(indices)
        for frame in frames:
            try:
                picture = self._rgb(frame, shown_hw)
            except FFmpegError as fault:
                raise MediaError(
                    f"The pixels of {self._source.name} ({frame.format.name}) cannot be shown. "
                    "Save it as H.264, VP9 or AV1."
                ) from fault
            yield picture

    def _jumping(self, indices: Int64[np.ndarray, " T"]) -> Iterator[VideoFrame]:
        assert self._listing is not None
        with self._pass() as video:
            for run in self._listing.runs(indices):
                yield from self._in_run(self._listing, run, video)
            self._tell_damage(video)

    def _in_run(self, listing: Listing, run: Run, video: VideoPass) -> Iterator[VideoFrame]:
        """Decode from a keyframe to the last wanted frame, checking that frames come out as they are listed.

        Where the list shows frames in another order than it decodes them, its times were written with care, and
        frames that no other builds on may be skipped. Where the two orders agree, the times may be a guess (AVI):
        every frame is decoded and must come out in its place.
        """
        skips = listing.is_reordered and video.codec in SKIPPABLE
        left, previous = list(run.ranks[::-1]), run.first_rank - 1
        wanted = set(listing.pts[list(run.ranks)].tolist()) if skips else None
        for frame in video.frames(listing.packets_from(run, video), wanted):
            if frame.pts is not None and frame.pts < listing.pts[run.first_rank]:
                continue  # shown before the keyframe, and built on pictures that were not decoded
            rank = listing.rank_of(frame.pts)
            furthest = left[-1] if skips and previous >= run.first_rank else previous + 1
            if rank is None or not previous < rank <= furthest:
                raise StaleListingError
            if video.damaged_packets and self._can_recount(listing):
                raise StaleListingError
            previous = rank
            if rank == left[-1]:
                yield frame
                left.pop()
            if not left:
                return
        raise StaleListingError

    def _can_recount(self, listing: Listing) -> bool:
        """Return whether half the budget is enough to decode all frames twice: to count them, and to read them."""
        frames, pixels = 2 * len(listing.pts), self.shown_hw[0] * self.shown_hw[1]
        limits = self._limits
        return 2 * frames <= limits.max_decoded_frames and 2 * frames * pixels <= limits.max_decoded_pixels

    def _through(self, wanted: set[int]) -> Iterator[VideoFrame]:
        last = max(wanted)
        with self._pass("SLICE") as video:
            for index, frame in enumerate(video.frames(video.packets())):
                if index in wanted:
                    yield frame
                if index == last:
                    return

    def _rgb(self, frame: VideoFrame, shown_hw: tuple[int, int]) -> UInt8[np.ndarray, "H W 3"]:
        height, width = self._turn.hw(shown_hw)
        if frame.colorspace not in _MATRICES:
            frame.colorspace = _NOT_TOLD
        if frame.color_range not in (ColorRange.MPEG, ColorRange.JPEG):
            frame.color_range = ColorRange.UNSPECIFIED
        if frame.format.name == "pal8" or any(part.is_alpha for part in frame.format.components):
            rgba = self._reformatter.reformat(frame, format="rgba").to_ndarray()
            return self._turn.apply(on_grey(Image.fromarray(rgba), (height, width)))
        scaled = self._reformatter.reformat(frame, width, height, "rgb24", interpolation=_SMOOTH)
        return self._turn.apply(scaled.to_ndarray())


def _square_pixels(hw: tuple[int, int], aspect: Fraction) -> tuple[int, int]:
    """Return the size with square pixels: never smaller than stored, as browsers do."""
    height, width = hw
    if not Fraction(1, WIDEST_PIXEL) <= aspect <= WIDEST_PIXEL:
        return hw
    return (height, round(width * aspect)) if aspect >= 1 else (round(height / aspect), width)
