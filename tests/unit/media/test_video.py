"""Videos: the right frames, the right way up, in the right colours, from a file of any container."""

import io
import tracemalloc
from collections.abc import Callable
from fractions import Fraction

import av
import numpy as np
import pytest
from av.video.reformatter import Interpolation
from media_files import number_of, packets_of, repeated, stamped, stamps, video, with_damage

from nonlocal_core.errors import MediaError, MediaLimitError, SelectionError
from nonlocal_core.media import Limits, Selection, frame_view, probe, read_frames
from nonlocal_core.media.media_file import as_media_file
from nonlocal_core.media.video import VideoClip

COUNT = 29
B_FRAMES = {"bf": "3"}
OPEN_GROUPS = {"x264-params": "open-gop=1:bframes=3:keyint=6:min-keyint=6:scenecut=0"}

CONTAINERS = {
    "mp4": {},
    "mp4 with B-frames": {"options": B_FRAMES},
    "mp4 with open groups": {"options": OPEN_GROUPS},
    "mp4 in fragments": {"container_options": {"movflags": "frag_keyframe+empty_moov"}},
    "mov": {"container": "mov", "codec": "prores", "pix_fmt": "yuv422p10le"},
    "mkv": {"container": "matroska", "options": B_FRAMES},
    "mkv lossless": {"container": "matroska", "codec": "ffv1"},
    "webm vp8 with hidden frames": {
        "container": "webm",
        "codec": "libvpx",
        "options": {"auto-alt-ref": "1", "lag-in-frames": "16", "b": "200k"},
    },
    "webm vp9 with hidden frames": {
        "container": "webm",
        "codec": "libvpx-vp9",
        "options": {"auto-alt-ref": "1", "lag-in-frames": "16"},
    },
    "avi": {"container": "avi", "codec": "mpeg4", "options": {"bf": "2"}},
    "avi of jpegs": {"container": "avi", "codec": "mjpeg", "pix_fmt": "yuvj420p"},
    "ts": {"container": "mpegts", "options": OPEN_GROUPS},
    "ts with time codes": {"container": "mpegts", "container_options": {"mpegts_m2ts_mode": "1"}},
    "mpeg": {"container": "mpeg", "codec": "mpeg2video", "rate": 25, "options": {"bf": "2"}},
    "flv": {"container": "flv", "options": B_FRAMES},
    "asf": {"container": "asf", "codec": "wmv2"},
    "ogg": {"container": "ogg", "codec": "libvpx"},
    "y4m": {"container": "yuv4mpegpipe", "codec": "wrapped_avframe"},
    "hevc": {"codec": "libx265", "options": {"x265-params": "log-level=none:bframes=3"}},
}


def numbers(data: bytes, selection: Selection) -> list[int]:
    return [number_of(picture) for picture in read_frames(data, selection).rgb]


def recounts(monkeypatch: pytest.MonkeyPatch) -> list[VideoClip]:
    """Return a list that grows with each clip that is decoded through to count its frames."""
    counted: list[VideoClip] = []
    recount = VideoClip.recount

    def spy(clip: VideoClip) -> None:
        counted.append(clip)
        recount(clip)

    monkeypatch.setattr(VideoClip, "recount", spy)
    return counted


@pytest.mark.parametrize("how", CONTAINERS.values(), ids=CONTAINERS.keys())
def test_every_frame_can_be_reached_alone_and_with_all_others(
    how: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = recounts(monkeypatch)
    data = stamps(COUNT, **how)
    rate = how.get("rate", 10)
    info = probe(data)
    assert (info.kind, info.frame_count, info.shown_hw, info.warnings) == ("video", COUNT, (48, 80), ())
    assert info.rate == rate
    assert info.duration_seconds == pytest.approx(COUNT / rate, abs=1e-3)
    everything = read_frames(data, Selection(frame_indices=tuple(range(COUNT))))
    assert [number_of(picture) for picture in everything.rgb] == list(range(COUNT))
    assert everything.pts_seconds == pytest.approx(np.arange(COUNT) / rate, abs=1e-3)
    for index in range(COUNT):
        assert numbers(data, Selection(frame_indices=(index,))) == [index]
    assert counted == []  # the jumps did it


def test_skipping_frames_changes_no_pixel_of_the_others() -> None:
    pictures = np.random.default_rng(7).integers(0, 256, (COUNT, 48, 80, 3), dtype=np.uint8)
    flags = Interpolation.BICUBIC | Interpolation.ACCURATE_RND
    flags |= Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
    for codec, options in (("libx264", B_FRAMES), ("libx265", {"x265-params": "log-level=none:bframes=3"})):
        data = video(pictures, codec=codec, options=options)
        with av.open(io.BytesIO(data)) as container:
            oracle = [frame.to_ndarray(format="rgb24", interpolation=flags) for frame in container.decode(video=0)]
        for index in range(0, COUNT, 4):
            assert (read_frames(data, Selection(frame_indices=(index,))).rgb[0] == oracle[index]).all()


def test_variable_rate_follows_the_true_times() -> None:
    hundredths = [0, 10, 20, 200, 205, 210, 215, 400]
    data = stamps(len(hundredths), pts=hundredths, container="matroska", options=B_FRAMES)
    frames = read_frames(data, Selection(frames=5))  # moments 0, 1, 2, 3, 4 s
    assert [number_of(picture) for picture in frames.rgb] == [0, 2, 3, 6, 7]
    assert frames.frame_indices.tolist() == [0, 2, 3, 6, 7]
    assert frames.pts_seconds == pytest.approx([0.0, 0.2, 2.0, 2.15, 4.0], abs=1e-3)


@pytest.mark.parametrize("container", ["matroska", "mp4", "mpegts"])
def test_the_last_frame_lasts_as_the_container_says_or_as_most_do(container: str) -> None:
    data = stamps(6, pts=[0, 10, 20, 30, 80, 95], container=container, options={"bf": "0"})
    with av.open(io.BytesIO(data)) as opened:
        last = [packet for packet in opened.demux(video=0) if packet.size][-1]
        told = float((last.duration or 0) * last.time_base)
    assert probe(data).duration_seconds == pytest.approx(0.95 + (told or 0.1), abs=1e-6)


def test_times_count_from_the_first_frame() -> None:
    data = stamps(5, pts=[700, 710, 720, 750, 760], container="matroska")
    frames = read_frames(data, Selection(stride=2))
    assert frames.pts_seconds == pytest.approx([0.0, 0.2, 0.6], abs=1e-3)


def test_eight_frames_of_an_hour_decode_only_their_groups() -> None:
    short = stamps(350, rate=2, options={"g": "50", "bf": "0", "preset": "ultrafast", "sc_threshold": "0"})
    hour = repeated(short, 21)
    tight = Limits(max_decoded_frames=8 * 50 + 4)  # of 7,350
    tracemalloc.start()
    spread = read_frames(hour, Selection(), limits=tight)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert spread.info.frame_count == 7_350
    assert spread.info.duration_seconds == pytest.approx(3675.0)
    assert [number_of(picture) for picture in spread.rgb] == [index % 350 for index in spread.frame_indices]
    assert spread.pts_seconds == pytest.approx(spread.frame_indices / 2)
    assert peak_bytes < 8e6  # all frames would be 85 MB
    middle = read_frames(hour, Selection(start_seconds=1803.3, stride=1), limits=Limits(max_decoded_frames=100))
    assert [number_of(picture) for picture in middle.rgb] == [index % 350 for index in range(3606, 3614)]
    with pytest.raises(MediaLimitError, match="max_decoded_frames"):
        read_frames(hour, Selection(), limits=Limits(max_decoded_frames=100))


def test_guessed_times_give_no_wrong_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    # AVI cannot say when B-frames appear, and libav's guess is in the order of decoding.
    counted = recounts(monkeypatch)
    data = stamps(COUNT, container="avi", options={"bf": "2"})
    for index in range(COUNT):
        assert numbers(data, Selection(frame_indices=(index,))) == [index]
    assert counted
    assert "does not say when its frames appear; 10 per second" in read_frames(data, Selection()).warnings[0]


def remuxed(data: bytes, pts_of: list[int | None], dts_of: list[int | None], container: str) -> bytes:
    """Return the packets of a file with other time stamps."""
    file = io.BytesIO()
    with av.open(io.BytesIO(data)) as given, av.open(file, "w", format=container) as out:
        template = given.streams.video[0]
        stream = out.add_stream_from_template(template)
        packets = [packet for packet in given.demux(template) if packet.size]
        for packet, pts, dts in zip(packets, pts_of, dts_of, strict=True):
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, pts, dts, Fraction(1, 10)
            out.mux(packet)
    return file.getvalue()


def test_times_that_repeat_are_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = recounts(monkeypatch)
    stuck = [n // 3 for n in range(COUNT)]
    data = remuxed(stamps(COUNT, options={"bf": "0"}), stuck, stuck, "matroska")
    frames = read_frames(data, Selection(frame_indices=(2, 20)))
    assert [number_of(picture) for picture in frames.rgb] == [2, 20]
    assert len(counted) == 1
    assert "does not say when" in frames.warnings[0]


def test_one_wild_time_is_not_trusted() -> None:
    wild = [n if n != 7 else 90_000 for n in range(60)]
    data = remuxed(stamps(60, options={"bf": "0"}), wild, list(range(60)), "matroska")
    frames = read_frames(data, Selection(frame_indices=(6, 7, 8, 59)))
    assert [number_of(picture) for picture in frames.rgb] == [6, 7, 8, 59]
    assert frames.pts_seconds.max() < 60


def test_a_recording_that_starts_in_mid_group_begins_at_its_first_whole_frame() -> None:
    whole = stamps(COUNT, container="mpegts", options={"bf": "0"})
    start = packets_of(whole)[4].pos
    frames = read_frames(whole[start - start % 188 :], Selection(stride=1, frames=3))
    first = number_of(frames.rgb[0])
    assert first == 6  # the next keyframe
    assert [number_of(picture) for picture in frames.rgb] == [6, 7, 8]
    assert frames.frame_indices.tolist() == [0, 1, 2]
    assert frames.pts_seconds == pytest.approx([0.0, 0.1, 0.2])


@pytest.mark.parametrize("rotation", [0.0, 90.0, 180.0, 270.0])
@pytest.mark.parametrize("flips", [(False, False), (True, False), (False, True)])
def test_a_turned_video_stands_upright(rotation: float, flips: tuple[bool, bool]) -> None:
    data = stamps(3, rotation=(rotation, *flips))
    with av.open(io.BytesIO(data)) as container:
        side_data = next(container.decode(video=0)).side_data
    assert ("DISPLAYMATRIX" in side_data) == (rotation != 0.0 or any(flips))
    matrix = np.frombuffer(bytes(side_data.get("DISPLAYMATRIX", np.int32([65536, 0, 0, 0, 65536]))), np.int32)
    upright = read_frames(data, Selection(frame_indices=(2,))).rgb[0]
    # Oracle: the definition in libavutil/display.h, pixel by pixel on the stamp's 3 x 5 blocks.
    stored = stamped(2)[8::16, 8::16]
    a, b, _, c, d = np.round(matrix[:5] / 65536).astype(int)
    places = {(a * p + c * q, b * p + d * q): stored[q, p] for q in range(3) for p in range(5)}
    left, top = min(x for x, _ in places), min(y for _, y in places)
    height, width = upright.shape[0] // 16, upright.shape[1] // 16
    for (x, y), colour in places.items():
        shown = upright[16 * (y - top) + 8, 16 * (x - left) + 8]
        assert np.abs(shown.astype(int) - colour).max() < 40
    assert (height, width) == ((5, 3) if rotation in (90.0, 270.0) else (3, 5))
    assert probe(data).shown_hw == (16 * height, 16 * width)


@pytest.mark.parametrize(
    ("aspect", "shown_hw"),
    [
        (Fraction(2), (48, 160)),
        (Fraction(1, 2), (96, 80)),
        (Fraction(16, 11), (48, 116)),
        (Fraction(10), (48, 800)),  # the widest that is believed, and the tallest
        (Fraction(1, 10), (480, 80)),
        (Fraction(11), (48, 80)),
        (Fraction(1, 11), (48, 80)),
    ],
)
def test_pixels_are_shown_square(aspect: Fraction, shown_hw: tuple[int, int]) -> None:
    data = stamps(4, aspect=aspect)
    assert probe(data).shown_hw == shown_hw
    frames = read_frames(data, Selection(frame_indices=(3,)))
    assert frames.rgb.shape[1:3] == shown_hw
    assert number_of(frames.rgb[0]) == 3


def test_aspect_comes_before_the_turn() -> None:
    data = stamps(4, aspect=Fraction(2), rotation=(90.0, False, False))
    assert probe(data).shown_hw == (160, 48)


BARS = np.array(
    [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0], [128, 128, 128], [200, 100, 50]], np.uint8
)


def bars(height: int, width: int) -> np.ndarray:
    return np.repeat(BARS[np.arange(width) * len(BARS) // width][None], height, axis=0)


@pytest.mark.parametrize(
    ("how", "hw"),
    [
        ({"pix_fmt": "yuv420p"}, (64, 112)),
        ({"pix_fmt": "yuv420p", "codec": "ffv1", "container": "matroska"}, (65, 113)),  # odd
        ({"pix_fmt": "yuv444p"}, (65, 113)),
        ({"pix_fmt": "yuvj420p"}, (64, 112)),  # full range
        ({"pix_fmt": "yuv420p10le"}, (64, 112)),
        ({"pix_fmt": "yuv422p10le", "codec": "ffv1", "container": "matroska"}, (64, 112)),
        ({"pix_fmt": "gbrp", "codec": "utvideo", "container": "avi"}, (65, 113)),
        ({"pix_fmt": "rgb24", "codec": "png", "container": "mov"}, (65, 113)),
        ({"pix_fmt": "gray", "codec": "ffv1", "container": "matroska"}, (65, 113)),
    ],
    ids=lambda value: value["pix_fmt"] if isinstance(value, dict) else f"{value[0]}x{value[1]}",
)
def test_colours_are_right_for_every_pixel_format(how: dict[str, object], hw: tuple[int, int]) -> None:
    options = {"qp": "1"} if "codec" not in how else {}
    data = video([bars(*hw)] * 3, options=options, **how)
    picture = read_frames(data, Selection(frame_indices=(1,))).rgb[0].astype(int)
    assert picture.shape[:2] == hw
    middles = picture[hw[0] // 2, (np.arange(7) * 2 + 1) * hw[1] // 14]
    luma = np.round(BARS @ np.array([0.299, 0.587, 0.114]))[:, None].repeat(3, axis=1)
    expected = luma if how["pix_fmt"] == "gray" else BARS.astype(int)
    assert np.abs(middles - expected).max() <= 4


@pytest.mark.parametrize(
    ("pix_fmt", "codec", "container"),
    [("yuva420p", "libvpx-vp9", "webm"), ("yuva420p", "libvpx", "webm"), ("argb", "qtrle", "mov")],
)
def test_transparent_parts_show_grey(pix_fmt: str, codec: str, container: str) -> None:
    picture = np.zeros((48, 80, 4), np.uint8)
    picture[:, :40] = (255, 0, 0, 255)
    picture[:, 40:] = (0, 0, 255, 0)
    data = video([picture] * 8, pix_fmt=pix_fmt, codec=codec, container=container, options={"auto-alt-ref": "0"})
    for index in (0, 7):
        shown = read_frames(data, Selection(frame_indices=(index,))).rgb[0].astype(int)
        assert np.abs(shown[24, 20] - (255, 0, 0)).max() < 12
        assert np.abs(shown[24, 60] - (128, 128, 128)).max() < 12


@pytest.mark.parametrize("hw", [(1, 1), (1, 500), (2, 4000), (9, 9)])
@pytest.mark.parametrize("max_side", [1, 3, 50])
def test_tiny_and_thin_videos_are_shown(hw: tuple[int, int], max_side: int) -> None:
    data = video([np.full((*hw, 3), 200, np.uint8)] * 2, codec="ffv1", container="matroska")
    frames = read_frames(data, Selection(frames=2), max_side=max_side)
    assert max(frames.rgb.shape[1:3]) == min(max_side, max(hw))
    assert np.abs(frames.rgb.astype(int) - 200).max() <= 2


@pytest.mark.parametrize(
    ("pix_fmt", "ask"), [("yuv420p", read_frames), ("bgra", lambda data, _, name: probe(data, name=name))]
)
def test_pixels_that_cannot_be_converted_are_refused_by_name(
    pix_fmt: str, ask: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing:
        def reformat(self, *args: object, **kwargs: object) -> None:
            raise av.error.OSError(95, "Operation not supported")

    data = stamps(2, codec="ffv1", container="matroska", pix_fmt=pix_fmt)
    monkeypatch.setattr(frame_view, "VideoReformatter", Failing)
    with pytest.raises(MediaError, match=rf"pixels of mine\.mp4 \({pix_fmt}\) cannot be shown"):
        ask(data, Selection(), name="mine.mp4")


def tagged(**tags: int) -> bytes:
    """Encode one frame whose file names its colours by the numbers of ITU-T H.273."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as out:
        stream = out.add_stream("ffv1", rate=10)
        stream.height, stream.width, stream.pix_fmt = 48, 80, "yuv444p"
        for name, number in tags.items():
            setattr(stream.codec_context, name, number)
        out.mux(stream.encode(av.VideoFrame.from_ndarray(stamped(5), format="rgb24")))
        out.mux(stream.encode(None))
    return file.getvalue()


@pytest.mark.parametrize(
    ("tags", "told"),
    [
        ({"color_trc": 16}, "is HDR and shown without tone mapping"),  # PQ
        ({"color_trc": 18}, "is HDR and shown without tone mapping"),  # HLG
        ({"colorspace": 8}, "codes its colours in a way not known here"),  # YCgCo
        ({"color_trc": 1, "colorspace": 1}, None),
    ],
)
def test_colours_that_cannot_be_shown_truly_are_told(tags: dict[str, int], told: str | None) -> None:
    frames = read_frames(tagged(**tags), Selection(frames=1))
    assert number_of(frames.rgb[0]) == 5
    assert [told in warning for warning in frames.warnings] == ([] if told is None else [True])


def test_large_frames_are_scaled_without_aliasing() -> None:
    fine = np.indices((480, 800)).sum(axis=0) % 2 * 255
    data = video([np.repeat(fine[..., None].astype(np.uint8), 3, axis=2)] * 2, codec="ffv1", container="matroska")
    frames = read_frames(data, Selection(frames=1), max_side=100)
    assert frames.rgb.shape == (1, 60, 100, 3)
    assert frames.info.shown_hw == (480, 800)
    assert np.abs(frames.rgb.astype(int) - 128).max() <= 8  # a checkerboard is grey from afar


def test_a_damaged_packet_is_left_out_and_told(capfd: pytest.CaptureFixture[str]) -> None:
    data = with_damage(stamps(COUNT, codec="mjpeg", pix_fmt="yuvj420p", container="mov"), 8)
    frames = read_frames(data, Selection(frame_indices=(7, 8, 9)))
    assert [number_of(picture) for picture in frames.rgb] == [7, 9, 10]
    assert frames.info.frame_count == COUNT - 1
    assert any("is damaged: 1 of the packets" in warning for warning in frames.warnings)
    with pytest.raises(SelectionError, match="frames 0 to 27"):
        read_frames(data, Selection(frame_indices=(8, COUNT - 1)))
    assert capfd.readouterr() == ("", "")  # libav's own messages stay silent


def test_damage_elsewhere_in_a_long_file_is_survived() -> None:
    data = with_damage(stamps(60, options={"bf": "0"}), 8)
    height, width = probe(data).shown_hw
    for short_of_all in (Limits(max_decoded_frames=100), Limits(max_decoded_pixels=100 * height * width)):
        frames = read_frames(data, Selection(frame_indices=(2, 58)), limits=short_of_all)  # cannot decode all twice
        assert [number_of(picture) for picture in frames.rgb] == [2, 58]


def test_all_frames_are_decoded_twice_where_half_the_budget_is_enough() -> None:
    """Twelve frames of 48 x 80 pixels: twice for each, and as much again to spare."""
    data = stamps(12, options={"bf": "0"})
    source = as_media_file(data, name="it", limits=Limits())
    enough = {"max_decoded_frames": 48, "max_decoded_pixels": 48 * 48 * 80}
    for limits, is_enough in ((enough, True), *((enough | {name: enough[name] - 1}, False) for name in enough)):
        clip = VideoClip(source, "mov", Limits(**limits))
        assert clip._listing is not None
        assert clip._can_recount(clip._listing) is is_enough


def test_a_file_cut_short_shows_what_is_left() -> None:
    data = stamps(COUNT, options={"bf": "0"}, container_options={"movflags": "faststart"})
    packet = packets_of(data)[20]
    cut = data[: packet.pos]
    frames = read_frames(cut, Selection(stride=1, frames=100))
    assert [number_of(picture) for picture in frames.rgb] == list(range(20))
    assert any("cut short" in warning for warning in frames.warnings)
    within = read_frames(data[: packet.pos + packet.size // 2], Selection(frame_indices=(19,)))
    assert number_of(within.rgb[0]) == 19
    assert any("cut short" in warning for warning in within.warnings)
    all_but_one = probe(data[: packets_of(data)[-1].pos], name="it")
    assert (all_but_one.frame_count, all_but_one.warnings) == (
        COUNT - 1,
        ("it is cut short; what can be read of it is shown.",),
    )


def test_a_file_without_its_index_or_without_a_whole_frame_is_refused() -> None:
    data = stamps(COUNT)
    with pytest.raises(MediaError, match="cannot be opened as a video"):
        probe(data[: len(data) // 2])
    faststart = stamps(COUNT, container_options={"movflags": "faststart"})
    with pytest.raises(MediaError, match="No frame"):
        probe(faststart[: packets_of(faststart)[0].pos + 10])


def test_one_frame_is_a_video_too() -> None:
    info = probe(stamps(1))
    assert (info.kind, info.frame_count, info.duration_seconds) == ("video", 1, pytest.approx(0.1))
    frames = read_frames(stamps(1), Selection(frames=8))
    assert frames.rgb.shape == (1, 48, 80, 3)
    assert frames.warnings == ("8 frames were asked for, 1 can be given: the clip has no more from 0 s on.",)


def test_hidden_lead_in_is_not_counted() -> None:
    # Cutting without re-encoding leaves frames before the cut in the file, marked as not shown.
    file = io.BytesIO()
    with av.open(io.BytesIO(stamps(COUNT, options={"bf": "0"}))) as given, av.open(file, "w", format="mp4") as out:
        template = given.streams.video[0]
        stream = out.add_stream_from_template(template)
        for packet in given.demux(template):
            if packet.size:
                packet.stream = stream
                packet.pts -= 3 * 1024
                packet.dts -= 3 * 1024
                out.mux(packet)
    listed = packets_of(file.getvalue())
    assert sum(packet.is_discard for packet in listed) == 3
    assert probe(file.getvalue()).frame_count == COUNT - 3
    assert numbers(file.getvalue(), Selection(frame_indices=(0, 10, COUNT - 4))) == [3, 13, COUNT - 1]
