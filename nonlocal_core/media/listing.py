"""List of a container's video frames: the time of each, before anything is decoded."""

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, groupby
from math import inf

import numpy as np
from av.packet import PacketSideData
from jaxtyping import Bool, Int64

from nonlocal_core.media.formats import VideoFormat
from nonlocal_core.media.limits import Limits
from nonlocal_core.media.stream import VideoPacket, VideoPass

MOST_PALETTES = 1024
"""Maximum number of palettes kept, of 1 kB each; if more are sent, all frames are decoded in order."""

STEP_BACK_SECONDS = Fraction(1, 10)
"""Step back of the clock beyond which it was reset where recordings were joined; ffmpeg's program has the same."""

REORDER_FRAMES = 32
"""Maximum distance between a frame's places in decoding order and in display order; H.264 and HEVC allow 16."""


class StaleListingError(Exception):
    """The container lists frames that do not decode as listed. It stays in this folder: the reader then decodes all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Frames that are reached from one keyframe: the wanted ``ranks``, and ``first_rank``, the first that decodes."""

    start: int
    first_rank: int
    ranks: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Listing:
    """The packets of a stream in display order; a frame's rank is its place in that order.

    ``pts`` and ``dts`` are in ticks of the stream. ``positions`` are places in decoding order. ``last_ticks`` is the
    duration of the last frame, or 0 if the container does not state it. ``palettes`` are the colours of 8-bit frames,
    by the positions from which they hold.
    """

    pts: Int64[np.ndarray, " N"]
    dts: Int64[np.ndarray, " N"]
    positions: Int64[np.ndarray, " N"]
    is_key: Bool[np.ndarray, " N"]
    last_ticks: int
    palettes: Mapping[int, PacketSideData]

    @classmethod
    def of(cls, video: VideoPass, name: str, limits: Limits) -> "Listing | None":
        """Read all packets of a stream without decoding them, and return their listing.

        Returns None if they cannot be trusted to name each frame once and in order. Raises MediaLimitError for too
        many.
        """
        pts, dts, keys, last_ticks = array("q"), array("q"), array("b"), 0
        palettes: dict[int, PacketSideData] = {}
        latest_dts: float = -inf
        back = int(STEP_BACK_SECONDS / (video.stream.time_base or 1))
        for packet in video.packets():
            if packet.is_discard:  # decoded for others to build on, never shown
                continue
            if packet.pts is None or (packet.dts is not None and packet.dts < latest_dts - back):
                return None
            latest_dts = latest_dts if packet.dts is None else packet.dts
            if packet.has_sidedata("palette"):
                palettes[len(pts)] = packet.get_sidedata("palette")
            pts.append(packet.pts)
            dts.append(packet.pts if packet.dts is None else packet.dts)
            keys.append(packet.is_keyframe)
            last_ticks = packet.duration or 0
            limits.check_listed(name, len(pts))
        if not pts or len(palettes) > MOST_PALETTES:
            return None
        in_order = np.frombuffer(pts, dtype=np.int64)
        positions = np.argsort(in_order, kind="stable").astype(np.int64)
        listing = cls(
            pts=in_order[positions],
            dts=np.frombuffer(dts, dtype=np.int64)[positions],
            positions=positions,
            is_key=np.frombuffer(keys, dtype=np.int8)[positions].astype(np.bool_),
            last_ticks=last_ticks,
            palettes=palettes,
        )
        return listing if listing._is_plausible() else None

    def _is_plausible(self) -> bool:
        distinct = bool((np.diff(self.pts) > 0).all())
        near = int(np.abs(self.positions - np.arange(len(self.positions))).max()) <= REORDER_FRAMES
        keys_ascend = bool((np.diff(self.positions[self.is_key]) > 0).all())
        return distinct and near and keys_ascend

    @property
    def is_reordered(self) -> bool:
        """True if display order differs from decoding order."""
        return bool((np.diff(self.positions) != 1).any())

    def times(self, demuxer: VideoFormat) -> Int64[np.ndarray, " N"]:
        """Return the times of the frames in ticks.

        AVI states only decoding times, and the times that libav derives from them are late by one frame.
        """
        return self.dts if demuxer == "avi" and not self.is_reordered else self.pts

    def reach(self, video: VideoPass) -> int:
        """Return the number of frames found, as the container counts them; AVI also counts the frames left out."""
        return int(self.dts.max()) + 1 if video.demuxer == "avi" else video.packets_read

    def from_rank(self, rank: int) -> "Listing":
        """Return the listing without the frames before a rank, from which ranks are then counted."""
        return Listing(
            pts=self.pts[rank:],
            dts=self.dts[rank:],
            positions=self.positions[rank:],
            is_key=self.is_key[rank:],
            last_ticks=self.last_ticks,
            palettes=self.palettes,
        )

    def rank_of(self, pts: int | None) -> int | None:
        """Return the rank of the frame with this time stamp, or None."""
        if pts is None:
            return None
        rank = int(np.searchsorted(self.pts, pts))
        return rank if rank < len(self.pts) and self.pts[rank] == pts else None

    def runs(self, ranks: Int64[np.ndarray, " T"]) -> Iterator[Run]:
        """Group ascending ranks by the last keyframe shown at or before each, so that none is decoded from twice.

        Frames before the first keyframe are reached from the start of the file.
        """
        key_ranks = np.flatnonzero(self.is_key)
        key_of = np.searchsorted(key_ranks, ranks, side="right") - 1
        for key, group in groupby(zip(key_of.tolist(), ranks.tolist(), strict=True), key=lambda pair: pair[0]):
            first_rank = int(key_ranks[key]) if key >= 0 else 0
            start = int(self.positions[first_rank]) if key >= 0 else 0
            yield Run(start=start, first_rank=first_rank, ranks=tuple(rank for _, rank in group))

    def packets_from(self, run: Run, video: VideoPass) -> Iterator[VideoPacket]:
        """Return packets that begin at or before the start of a run.

        Raises StaleListingError if the container cannot reach them.
        """
        # Some containers seek by the time of showing, some by the time of decoding, which is the earlier.
        for stamp in (int(self.pts[run.first_rank]), int(self.dts[run.first_rank]), int(self.pts[0])):
            if not video.seek(stamp):
                continue
            packets = video.packets()
            skipped = []
            for packet in packets:
                skipped.append(packet)
                if not packet.is_discard:
                    break
            rank = self.rank_of(skipped[-1].pts) if skipped else None
            if rank is not None and self.positions[rank] <= run.start:
                self._colour(skipped[0], int(self.positions[rank]))
                return chain(skipped, packets)
        raise StaleListingError

    def _colour(self, packet: VideoPacket, position: int) -> None:
        """Give a packet the palette that applies to it: containers send one only when it changes."""
        known = [start for start in self.palettes if start <= position]
        if known:
            packet.set_sidedata(self.palettes[max(known)])
