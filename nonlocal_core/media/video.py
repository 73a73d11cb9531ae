"""Videos, read by PyAV: only the groups of pictures that hold a wanted frame are decoded."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Literal

import numpy as np
from av.video.frame import VideoFrame
from jaxtyping import Float64, Int64, UInt8

from nonlocal_core.errors import MediaError
from nonlocal_core.media.clock import close_jumps, tells_times
from nonlocal_core.media.encryption import encrypted, marks_encryption
from nonlocal_core.media.formats import RAW_STREAMS, VideoFormat
from nonlocal_core.media.frame_view import FrameView
from nonlocal_core.media.limits import DecodeBudget, Limits
from nonlocal_core.media.listing import Listing, Run, StaleListingError
from nonlocal_core.media.media_file import MediaFile
from nonlocal_core.media.stream import Threads, VideoPass

GUESSED_RATE = Fraction(25)
"""Frames per second for a container that states neither times nor a rate."""

SKIPPABLE = ("h264", "hevc")
"""Codecs whose decoders skip single frames on request."""


class VideoClip:
    """A video for one request: its facts, and its frames on demand.

    Opening decodes the first frame only. Raises MediaError if no frame can be decoded, and MediaLimitError when
    the video is too large or too long.
    """

    kind: Literal["video"] = "video"

    def __init__(self, source: MediaFile, demuxer: VideoFormat, limits: Limits) -> None:
        self.notes: list[str] = []
        self.remarks: list[str] = []
        limits = limits.for_video(source.byte_count)
        self._source, self._demuxer, self._limits = source, demuxer, limits
        self._budget = DecodeBudget(source.name, limits)
        with self._pass() as video:
            self.codec, self.rate = video.codec, video.rate
            self._tick = video.stream.time_base or 1 / GUESSED_RATE
            self._listing = None if demuxer in RAW_STREAMS else Listing.of(video, source.name, limits)
            if video.is_encrypted:
                raise encrypted(source)
            if video.video_count > 1:
                self.notes.append(f"{source.name} holds {video.video_count} videos; one of them is read.")
            if video.cut_short or (self._listing is not None and self._listing.reach(video) < video.stream.frames):
                self.notes.append(f"{source.name} is cut short; what can be read of it is shown.")
        self._look_at_first()
        if self._listing is None:
            self.recount()
        else:
            self._lay_out(self._listing.times(demuxer), self._listing.last_ticks)

    def _pass(self, threads: Threads = "AUTO") -> VideoPass:
        return VideoPass(self._source, self._demuxer, self._limits, self._budget, threads)

    def _look_at_first(self) -> None:
        """Learn from the first frame what a container may not state: turn, size, and the first frame that decodes."""
        with self._pass("SLICE") as video:
            first = next(video.frames(video.packets()), None)
            if first is None:
                raise self._undecodable(video)
            aspect = video.first_aspect or Fraction(1)
            self._view = FrameView(
                self._source.name,
                first,
                aspect,
                alpha_is_told=video.declares_alpha,
                notes=self.notes,
                remarks=self.remarks,
            )
        self.shown_hw = self._view.shown_hw
        self._limits.check_video_size(self._source.name, self.shown_hw, self._source.byte_count)
        if self._listing is not None:
            rank = self._listing.rank_of(first.pts)
            # A recording that starts in mid-air lists frames whose references are missing; they never come out.
            self._listing = None if rank is None else self._listing.from_rank(rank)

    def _undecodable(self, video: VideoPass) -> MediaError:
        """Return the error for a video of which no frame can be decoded, with the likely reason."""
        name = self._source.name
        if video.is_encrypted or marks_encryption(self._source, self._demuxer):
            return encrypted(self._source)
        if video.is_unsupported:
            return MediaError(
                f"No decoder here reads this kind of {video.codec} in {name}. Save it as H.264, VP9 or AV1."
            )
        return MediaError(f"No frame of {name} can be decoded. It is damaged: save it again.")

    def _lay_out(self, pts: Int64[np.ndarray, " N"], last_ticks: int) -> None:
        self.starts: Float64[np.ndarray, " N"]
        self.starts, jumps = close_jumps(self._seconds(pts), self._demuxer)
        if len(jumps):
            often = "" if len(jumps) == 1 else f" {len(jumps)} times"
            self._tell(
                f"The clock of {self._source.name} jumps{often}, as where recordings are joined; the gap is closed."
            )
        gaps = np.diff(self.starts)
        typical = float(np.median(gaps)) if len(gaps) else float(1 / (self.rate or GUESSED_RATE))
        last = last_ticks * self._tick.numerator / self._tick.denominator
        self.end_seconds = float(self.starts[-1]) + (last or typical)
        self._limits.check_seconds(self._source.name, self.end_seconds)

    def _seconds(self, pts: Int64[np.ndarray, " N"]) -> Float64[np.ndarray, " N"]:
        ticks: Float64[np.ndarray, " N"] = (pts - pts[0]).astype(np.float64)
        return ticks * self._tick.numerator / self._tick.denominator

    def recount(self) -> None:
        """Decode all frames once, so that times and indices are those of the frames that really decode."""
        self._listing = None
        with self._pass("SLICE") as video:
            stamps = [frame.pts for frame in video.frames(video.packets())]
        self._tell_damage(video)
        known = [pts for pts in stamps if pts is not None]
        pts = np.array(known, dtype=np.int64)
        if (
            self._demuxer in RAW_STREAMS
            or len(known) < len(stamps)
            or not tells_times(self._seconds(pts), self._demuxer)
        ):
            self.rate = self.rate or GUESSED_RATE
            self._tick = 1 / self.rate
            pts = np.arange(len(stamps), dtype=np.int64)
            self._tell(
                f"{self._source.name} does not say when its frames appear; {float(self.rate):g} per second is assumed."
            )
        self._lay_out(pts, 0)

    def _tell(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)

    def _tell_damage(self, video: VideoPass) -> None:
        if video.damaged_packets:
            self._tell(
                f"{self._source.name} is damaged: {video.damaged_packets} of the packets read cannot be decoded."
            )

    def read(self, indices: Int64[np.ndarray, " T"], shown_hw: tuple[int, int]) -> Iterator[UInt8[np.ndarray, "H W 3"]]:
        """Yield the frames of ascending indices at a size.

        Raises StaleListingError if decoding proves the container's list wrong; ``recount`` and choose again.
        """
        listing = self._listing
        with self._pass("SLICE" if listing is None else "AUTO") as video:
            frames = self._jumping(listing, indices, video) if listing else self._through(set(indices.tolist()), video)
            for frame in frames:
                yield self._view.picture(frame, video.aspect, shown_hw)

    def _jumping(self, listing: Listing, indices: Int64[np.ndarray, " T"], video: VideoPass) -> Iterator[VideoFrame]:
        for run in listing.runs(indices):
            yield from self._in_run(listing, run, video)
        self._tell_damage(video)

    def _in_run(self, listing: Listing, run: Run, video: VideoPass) -> Iterator[VideoFrame]:
        """Decode from a keyframe to the last wanted frame, checking that frames decode as they are listed.

        If display order and decoding order differ, the times can be trusted, and frames that no other depends on may be
        skipped. If the two orders agree, the times may be a guess (AVI): every frame is decoded and must appear in its
        place.
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

    def _through(self, wanted: set[int], video: VideoPass) -> Iterator[VideoFrame]:
        last = max(wanted)
        for index, frame in enumerate(video.frames(video.packets())):
            if index in wanted:
                yield frame
            if index == last:
                return
