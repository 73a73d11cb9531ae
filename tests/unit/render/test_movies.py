"""Films, read back frame by frame by the decoders of others, and what is left when writing one fails."""

import av
import numpy as np
import pytest
from flat_pictures import COLOURS, TIMES, CancelledError, pictures
from PIL import Image

from nonlocal_core.errors import RenderError
from nonlocal_core.render import (
    durations,
    write_gif,
    write_mp4,
)

H264_ERROR = 4.5  # mean absolute difference in grey levels; worst seen 3.6 (the small square)
MPEG4_ERROR = 3.0  # the same, of whole pictures; worst seen 1.9
GIF_ERROR = 0.5  # the same; worst seen 0: the palette holds all five colours


def read_mp4(path):
    with av.open(str(path)) as container:
        frames = [(float(f.time), f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]
        stream = container.streams.video[0]
        return frames, stream.codec_context.name, float(stream.duration * stream.time_base)


def read_gif(path):
    with Image.open(path) as gif:
        frames = []
        for index in range(gif.n_frames):
            gif.seek(index)
            frames.append((gif.info["duration"], np.asarray(gif.convert("RGB"))))
        return frames


def test_mp4_shows_each_picture_at_its_own_time(tmp_path):
    write_mp4(tmp_path / "a.mp4", pictures(), durations(TIMES))
    frames, codec, duration = read_mp4(tmp_path / "a.mp4")
    assert codec == "h264"
    assert [time for time, _ in frames] == pytest.approx(TIMES.tolist(), abs=1e-4)
    assert duration == pytest.approx(2.0 + 0.375, abs=1e-3), "the last stays for the median of the others"
    for (_, read), written in zip(frames, pictures(), strict=True):
        assert np.abs(read.astype(int) - written).mean() < H264_ERROR
        assert np.abs(read[9:15, 62:74].astype(int) - 250).mean() < H264_ERROR


def test_a_steady_rate_replaces_the_times_of_the_clip(tmp_path):
    write_mp4(tmp_path / "a.mp4", pictures(), durations(np.arange(5) * 1001 / 30000))
    frames, _, duration = read_mp4(tmp_path / "a.mp4")
    assert [time for time, _ in frames] == pytest.approx([n * 1001 / 30000 for n in range(5)], abs=1e-6)
    assert duration == pytest.approx(5 * 1001 / 30000, abs=1e-6)


def test_mp4_starts_with_its_index(tmp_path):
    write_mp4(tmp_path / "a.mp4", pictures(), durations(TIMES))
    data = (tmp_path / "a.mp4").read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat"), "or a browser must load the whole file to begin"


@pytest.mark.parametrize(("height", "width"), [(45, 82), (46, 81), (45, 81)])
def test_odd_sizes_gain_a_repeated_edge(tmp_path, height, width):
    write_mp4(tmp_path / "a.mp4", pictures(2, height, width), durations(TIMES[:2]))
    (_, read), *_ = read_mp4(tmp_path / "a.mp4")[0]
    assert read.shape == (46, 82, 3)
    assert np.abs(read[-1].astype(int) - COLOURS[0]).mean() < H264_ERROR
    assert np.abs(read[20:, -1].astype(int) - COLOURS[0]).mean() < H264_ERROR


def test_mp4_falls_back_where_x264_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(av.codec, "codecs_available", av.codec.codecs_available - {"libx264"})
    write_mp4(tmp_path / "a.mp4", pictures(), durations(TIMES))
    frames, codec, duration = read_mp4(tmp_path / "a.mp4")
    assert codec == "mpeg4"
    assert [time for time, _ in frames] == pytest.approx(TIMES.tolist(), abs=1e-4)
    assert duration == pytest.approx(2.375, abs=1e-3)
    for (_, read), written in zip(frames, pictures(), strict=True):
        assert np.abs(read.astype(int) - written).mean() < MPEG4_ERROR


def test_gif_shows_each_picture_for_its_own_time(tmp_path):
    write_gif(tmp_path / "a.gif", pictures(), durations(TIMES))
    frames = read_gif(tmp_path / "a.gif")
    assert [ms for ms, _ in frames] == [500, 250, 1000, 250, 380]
    for (_, read), written in zip(frames, pictures(), strict=True):
        assert np.abs(read.astype(int) - written).mean() < GIF_ERROR


def test_flat_colours_of_a_gif_are_exact(tmp_path):
    shades = np.random.default_rng(4).integers(90, 130, (12, 15, 3), dtype=np.uint8)
    picture = shades.repeat(8, axis=0).repeat(8, axis=1)
    write_gif(tmp_path / "a.gif", [picture], np.array([1.0]))
    ((_, read),) = read_gif(tmp_path / "a.gif")
    np.testing.assert_array_equal(read, picture)


def test_gif_rounding_does_not_add_up(tmp_path):
    seconds = durations(np.arange(5) / 3.0)
    write_gif(tmp_path / "a.gif", pictures(), seconds)
    assert abs(sum(ms for ms, _ in read_gif(tmp_path / "a.gif")) - 5000 / 3) <= 5


def test_gif_is_never_faster_than_a_browser_plays(tmp_path):
    write_gif(tmp_path / "a.gif", pictures(), durations(np.arange(5) / 1000))
    assert [ms for ms, _ in read_gif(tmp_path / "a.gif")] == [20] * 5


def test_gif_keeps_small_colourful_heat_on_grey_frames(tmp_path):
    grey = np.random.default_rng(0).integers(20, 120, (3, 90, 160, 1), dtype=np.uint8).repeat(3, axis=3)
    grey[1, 40:48, 70:78] = [247, 171, 57]
    write_gif(tmp_path / "a.gif", grey, durations(TIMES[:3]))
    _, read = read_gif(tmp_path / "a.gif")[1]
    assert np.abs(read[41:47, 71:77].astype(int) - [247, 171, 57]).mean() < 8


@pytest.mark.parametrize("write", [write_gif, write_mp4])
def test_one_picture_is_a_movie_of_a_second(tmp_path, write):
    seconds = durations(TIMES[:1])
    assert seconds.tolist() == [1.0]
    write(tmp_path / "a", pictures(1), seconds)
    with av.open(str(tmp_path / "a")) as container:
        assert len(list(container.decode(video=0))) == 1


def test_frames_of_a_clip_of_hours_are_written(tmp_path):
    hours = durations(np.arange(3) * 2057.0)
    write_mp4(tmp_path / "a.mp4", pictures(3), hours)
    assert [time for time, _ in read_mp4(tmp_path / "a.mp4")[0]] == pytest.approx([0, 2057, 4114], abs=1e-3)
    write_gif(tmp_path / "a.gif", pictures(3), hours)
    assert [ms for ms, _ in read_gif(tmp_path / "a.gif")] == [655350] * 3


@pytest.mark.parametrize("write", [write_gif, write_mp4])
def test_progress_counts_every_picture(tmp_path, write):
    seen = []
    write(tmp_path / "a", iter(pictures()), durations(TIMES), lambda done, total: seen.append((done, total)))
    assert seen == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]


@pytest.mark.parametrize("write", [write_gif, write_mp4])
def test_cancelling_leaves_the_folder_as_it_was(tmp_path, write):
    (tmp_path / "old").write_bytes(b"the file of before")

    def cancel(done, total):
        if done == 3:
            raise CancelledError

    for name in ("old", "new"):
        with pytest.raises(CancelledError):
            write(tmp_path / name, pictures(), durations(TIMES), cancel)
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert (tmp_path / "old").read_bytes() == b"the file of before"


@pytest.mark.parametrize("write", [write_gif, write_mp4])
@pytest.mark.parametrize(("count", "times"), [(3, 5), (5, 3), (0, 5), (0, 0)])
def test_pictures_and_times_must_be_as_many(tmp_path, write, count, times):
    with pytest.raises(RenderError, match=f"for {times} times"):
        write(tmp_path / "a", pictures(count), np.full(times, 0.5))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("times", [[0.0, 0.5, 0.5], [1.0, 0.5, 2.0], [0.0, float("nan"), 1.0]])
def test_times_must_increase(times):
    with pytest.raises(RenderError, match="increase"):
        durations(np.array(times))
