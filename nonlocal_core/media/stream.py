"""One video stream of a container, and a pass through its packets.

libav is given bytes and the name of a demuxer, never a path, so that a file cannot make it open another one.
"""

import io
import re
from collections.abc import Collection, Iterator
from fractions import Fraction
from types import TracebackType
from typing import TYPE_CHECKING, Literal, NoReturn

import av
from av.container import InputContainer
from av.error import ArgumentError, FFmpegError, PatchWelcomeError
from av.packet import Packet
from av.stream import Discard, Disposition
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from nonlocal_core.errors import MediaError
from nonlocal_core.media.clock import JOINED
from nonlocal_core.media.encryption import encrypted, marks_encryption
from nonlocal_core.media.formats import RAW_STREAMS, VideoFormat
from nonlocal_core.media.limits import DecodeBudget, Limits
from nonlocal_core.media.media_file import MediaFile

if TYPE_CHECKING:
    VideoPacket = Packet[VideoStream]
else:
    VideoPacket = Packet  # generic in the stubs only

READ_BYTES = 1 << 18

Threads = Literal["AUTO", "SLICE"]
"""Threading of a decoder. AUTO is faster, but loses frames around damage; SLICE loses none."""

_ALPHA_DECODERS: dict[str, Literal["libvpx", "libvpx-vp9"]] = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""Decoders of VP8 and VP9 that keep alpha, which libav's own leave out."""

_UNSUPPORTED = (PatchWelcomeError, ArgumentError, av.error.NotImplementedError)
"""Errors of decoders for unsupported features; damage gives InvalidDataError."""

_Y4M_SIDES = re.compile(rb"YUV4MPEG2(?=[^\n]* H(\d{1,12}))[^\n]* W(\d{1,12})")
"""Height and width in the header of a Y4M file. For sides that it cannot parse, libav reports that a device is busy."""

_NOT_A_CLIP = Disposition.attached_pic | Disposition.timed_thumbnails


class _Reader:
    """A file for libav, without a name from which it could guess."""

    __slots__ = ("read", "seek", "tell")

    def __init__(self, file: io.BufferedReader | io.BytesIO) -> None:
        self.read, self.seek, self.tell = file.read, file.seek, file.tell


def open_nothing(url: str, flags: int, options: dict[str, str]) -> NoReturn:
    """Refuse to open what a demuxer asks for; libav calls this for every other file or address."""
    raise PermissionError("a media file may not open another file")


class VideoPass:
    """An open container while its video stream is read, once or with jumps; close it, or use it with ``with``.

    Raises MediaError if the container cannot be opened or has no video that can be decoded, and
    MediaLimitError if its frames are too large.
    """

    def __init__(
        self, source: MediaFile, demuxer: VideoFormat, limits: Limits, budget: DecodeBudget, threads: Threads = "AUTO"
    ) -> None:
        self.damaged_packets = 0
        self.packets_read = 0
        self.cut_short = False
        self.is_encrypted = self.is_unsupported = self.declares_alpha = False
        self._source, self._name, self._limits, self._budget = source, source.name, limits, budget
        self.demuxer = demuxer
        self._file = source.open()
        try:
            self._container = self._opened(demuxer)
            self.stream = self._chosen_stream()
            self._decoder = self._decoder_for(self.stream, threads)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> "VideoPass":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.close()
        self._file.close()

    def _opened(self, demuxer: VideoFormat) -> InputContainer:
        if declared := _Y4M_SIDES.match(self._source.head()):
            height, width = map(int, declared.groups())
            self._check_size((height, width))
            if not height * width:
                raise MediaError(f"{self._name} declares frames of {width} × {height} pixels. Save it again.")
        try:
            return av.open(
                _Reader(self._file),
                "r",
                format=demuxer,
                options={"protocol_whitelist": "none", "max_pixels": self._max_pixels},
                metadata_errors="replace",
                buffer_size=READ_BYTES,
                io_open=open_nothing,
            )
        except (FFmpegError, OSError, ValueError) as fault:
            raise MediaError(
                f"{self._name} cannot be opened as a video: {_reason(fault)}. It is damaged, or was cut short before "
                "its index was written: save or record it again."
            ) from fault

    @property
    def _max_pixels(self) -> str:
        return str(self._limits.max_video_pixels * 5 // 4)  # libav counts the padding of rows too

    def _chosen_stream(self) -> VideoStream:
        streams = [s for s in self._container.streams.video if not s.disposition & _NOT_A_CLIP]
        if not streams:
            raise MediaError(f"{self._name} holds no video. Open a file with pictures.")
        chosen = next((s for s in streams if s.disposition & Disposition.default), streams[0])
        self.video_count = len(streams)
        for stream in self._container.streams:
            if stream is not chosen:
                stream.discard = Discard.all
        return chosen

    def _decoder_for(self, stream: VideoStream, threads: Threads) -> VideoCodecContext:
        decoder: VideoCodecContext | None = stream.codec_context  # the stubs leave out that it may be missing
        if decoder is None and marks_encryption(self._source, self.demuxer):
            raise encrypted(self._source)
        if decoder is None:
            raise MediaError(f"No decoder here reads the video in {self._name}. Save it as H.264, VP9 or AV1.")
        self._check_size((decoder.height, decoder.width))
        tags = {key.lower(): value for key, value in stream.metadata.items()}
        self.is_encrypted = "enc_key_id" in tags  # Matroska
        if tags.get("alpha_mode") == "1" and decoder.name in _ALPHA_DECODERS:
            self.declares_alpha = True
            return av.CodecContext.create(_ALPHA_DECODERS[decoder.name], "r")
        decoder.thread_type = threads
        decoder.options = {"max_pixels": self._max_pixels}
        return decoder

    @property
    def codec(self) -> str:
        """Name of the format that the stream is coded in."""
        return self.stream.codec_context.codec.canonical_name

    @property
    def rate(self) -> Fraction | None:
        """Mean number of frames per second that the container states, if any."""
        if self.demuxer in RAW_STREAMS:  # the mean is libav's invention; a guess builds on the coded frames
            return self.stream.guessed_rate or None
        return self.stream.average_rate or self.stream.guessed_rate or None

    @property
    def first_aspect(self) -> Fraction | None:
        """Pixel aspect once the first frame is decoded, if anything states it; the container takes precedence."""
        if self.demuxer in (*JOINED, *RAW_STREAMS):  # these tell none, and libav may have looked far ahead for one
            return self.aspect
        return self.stream.sample_aspect_ratio

    @property
    def aspect(self) -> Fraction | None:
        """Pixel aspect that the coded video states at this place, if any."""
        return self._decoder.sample_aspect_ratio or None

    def packets(self) -> Iterator[VideoPacket]:
        """Yield packets from here to the last that can be read, and note whether the file was cut short there."""
        packets, left_over = self._container.demux(self.stream), None
        while True:
            try:
                packet = next(packets, None)
            except FFmpegError:
                self.cut_short = True
                return
            except IndexError:  # PyAV's way to end where a stream appeared that the head does not list
                return
            if packet is None:
                return
            self.packets_read += packet.size > 0 or packet.dts is not None  # the last one only ends decoding
            self.is_encrypted |= packet.has_sidedata("encryption_info")
            if packet.size:
                self.cut_short = packet.is_corrupt  # recordings that were joined hold such packets in the middle
                if left_over is not None and not packet.has_sidedata("palette"):
                    packet.set_sidedata(left_over)
                left_over = None
                yield packet
            elif packet.has_sidedata("palette"):  # an empty packet stands for a frame left out: it ends decoding
                left_over = packet.get_sidedata("palette")

    def frames(self, packets: Iterator[VideoPacket], wanted: Collection[int] | None = None) -> Iterator[VideoFrame]:
        """Yield the frames that packets decode to, and count the packets that do not decode.

        With ``wanted`` time stamps, other frames that no frame depends on are skipped without decoding.
        """
        for packet in packets:
            if wanted is not None:
                self._decoder.skip_frame = "DEFAULT" if packet.pts in wanted else "NONREF"
            yield from self._decoded(packet)
        yield from self._decoded(None)

    def _decoded(self, packet: VideoPacket | None) -> Iterator[VideoFrame]:
        try:
            frames = self._decoder.decode(packet)
        except FFmpegError as fault:
            self.damaged_packets += 1
            self.is_unsupported |= isinstance(fault, _UNSUPPORTED)
            return
        for frame in frames:
            self._check_size((frame.height, frame.width))
            self._budget.spend((frame.height, frame.width))
            yield frame

    def _check_size(self, hw: tuple[int, int]) -> None:
        self._limits.check_video_size(self._name, hw, self._source.byte_count)

    def seek(self, stamp: int) -> bool:
        """Seek to a keyframe at or before a time stamp of the stream; return whether the container can."""
        try:
            self._container.seek(stamp, stream=self.stream)
        except FFmpegError:
            return False
        self._decoder.flush_buffers()
        return True


def _reason(fault: Exception) -> str:
    text = fault.strerror if isinstance(fault, OSError | FFmpegError) else str(fault)
    return (text or type(fault).__name__).rstrip(".")
