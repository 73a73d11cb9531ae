"""Files, read back frame by frame by the decoders of others, and what is left when writing fails."""

import csv
import os
import time

import av
import numpy as np
import pytest
from PIL import Image
from render_rows import make_column, make_row

from nonlocal_core.errors import RenderError
from nonlocal_core.geometry import Cell
from nonlocal_core.render import (
    durations,
    replacing,
    write_csv,
    write_gif,
    write_mp4,
    write_npz,
    write_png,
)
from nonlocal_core.render.writing import LEFT_OVER_SECONDS

TIMES = np.array([0.0, 0.5, 0.75, 1.75, 2.0])
H264_ERROR = 4.5  # mean absolute difference in grey levels; worst seen 3.6 (the small square)
MPEG4_ERROR = 3.0  # the same, of whole pictures; worst seen 1.9
GIF_ERROR = 0.5  # the same; worst seen 0: the palette holds all five colours
COLOURS = np.array([[200, 40, 40], [40, 180, 60], [50, 70, 210], [230, 200, 60], [120, 120, 120]], np.uint8)


def pictures(count=5, height=46, width=82):
    """One flat colour each, with a bright square that tells left from right and up from down."""
    made = np.repeat(np.repeat(COLOURS[:count, None, None], height, 1), width, 2).copy()
    made[:, 8:16, 60:76] = 250
    made.setflags(write=False)
    return made


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


class CancelledError(Exception):
    pass


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


def test_png_is_exact_and_knows_its_size_in_print(tmp_path):
    picture = pictures(1)[0]
    write_png(tmp_path / "a.png", picture)
    with Image.open(tmp_path / "a.png") as read:
        assert (np.asarray(read) == picture).all()
        assert read.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_png_says_where_it_comes_from(tmp_path):
    write_png(tmp_path / "a.png", pictures(1)[0], provenance='{"clip": "é"}')
    with Image.open(tmp_path / "a.png") as read:
        assert read.text == {"provenance": '{"clip": "é"}'}


@pytest.mark.parametrize("pairwise", ["embedded_gaussian", "dot_product"])
def test_csv_has_a_line_for_each_key_in_the_order_of_the_grid(tmp_path, pairwise):
    heat = np.random.default_rng(6).random((2, 3, 4)) - 0.3 * (pairwise == "dot_product")
    row = make_row(heat, subsample=(2, 2, 2), pairwise=pairwise)
    write_csv(tmp_path / "a.csv", row, about="é is cut short.")
    head, *lines = (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()
    assert head == "frame,row,column,weight,times_uniform,note"
    places = [(t, y, x) for t in range(2) for y in range(3) for x in range(4)]
    for line, (t, y, x) in zip(lines, places, strict=True):
        frame, row_number, column, weight, times, note = line.split(",")
        assert note == ("Note: é is cut short." if (t, y, x) == (0, 0, 0) else ""), "it is said once"
        assert (int(frame), int(row_number), int(column)) == (2 * t, y, x), "a key of two frames starts at the first"
        assert np.float32(weight) == row.heat[t, y, x]
        assert float(times) == pytest.approx(heat[t, y, x] / np.maximum(heat, 0).mean(), rel=1e-5)


def test_npz_holds_the_answer_without_pickle(tmp_path):
    row = make_row(subsample=(2, 2, 2), box=(0.1, 0.0, 0.9, 1.0))
    write_npz(tmp_path / "a.npz", row, pts_seconds=TIMES)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as read:
        assert (read["heat"] == row.heat).all()
        assert read["heat"].shape == tuple(read["grid_shape"]) == (2, 3, 4)
        assert Cell(*read["asked_cell"].tolist()) == row.query
        assert read["asked_shape"].tolist() == [5, 6, 8]
        assert read["asked_box"].tolist() == [0.1, 0.0, 0.9, 1.0]
        assert read["grid_box"] == pytest.approx(row.key_grid.box)
        assert read["grid_frame_spans"].tolist() == [[0, 2], [2, 4]]
        assert read["asked_frame_spans"].tolist() == [[0, 1], [1, 2], [2, 3], [3, 4], [4, 5]]
        assert (str(read["pairwise"]), str(read["direction"])) == ("embedded_gaussian", "row")
        assert float(read["times_uniform_per_unit"]) == pytest.approx(24 / np.abs(row.values).sum(dtype=float))
        assert read["step_share"] == pytest.approx(row.per_step_share)
        assert (read["pts_seconds"] == TIMES).all()


def test_a_column_is_written_on_the_grid_of_those_that_look(tmp_path):
    column = make_column(np.random.default_rng(0).random((5, 6, 8)), key=(1, 1, 1), subsample=(2, 2, 2))
    write_npz(tmp_path / "a.npz", column, pts_seconds=TIMES)
    write_csv(tmp_path / "a.csv", column)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as read:
        assert (tuple(read["grid_shape"]), tuple(read["asked_shape"])) == ((5, 6, 8), (2, 3, 4))
        assert str(read["direction"]) == "column"
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 1 + 5 * 6 * 8


def test_a_failure_keeps_the_old_file_and_leaves_no_part(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("before")

    def write_half():
        with replacing(target) as part:
            part.write_text("half")
            assert part.parent == tmp_path, "a rename within one folder is atomic"
            raise CancelledError

    with pytest.raises(CancelledError):
        write_half()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "before")]
    with replacing(target) as part:
        part.write_text("after")
        assert target.read_text() == "before"
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "after")]


def test_parts_of_killed_writers_go_with_the_next_file_and_those_of_others_stay(tmp_path):
    killed, at_work = (tmp_path / f".a.mp4.{digit * 32}.part" for digit in "ab")
    others = tmp_path / ".somebody's own.part"
    for path in (killed, at_work, others):
        path.write_bytes(b"half")
    for path in (killed, others):
        os.utime(path, (0, time.time() - 2 * LEFT_OVER_SECONDS))
    with replacing(tmp_path / "b.txt") as part:
        part.write_text("whole")
    assert sorted(tmp_path.iterdir()) == sorted((at_work, others, tmp_path / "b.txt"))


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(RenderError, match="nowhere"):
        write_png(tmp_path / "nowhere" / "a.png", pictures(1)[0])


def test_pins_beside_an_answer_are_written_with_their_letters(tmp_path):
    first, last = make_row(query=(0, 0, 0)), make_row(np.random.default_rng(1).random((5, 6, 8)), query=(2, 3, 4))
    write_npz(tmp_path / "a.npz", last, pts_seconds=TIMES, beside=[first])
    write_csv(tmp_path / "a.csv", last, about="Two pins.", beside=[first])
    with np.load(tmp_path / "a.npz", allow_pickle=False) as read:
        assert (read["heat"] == last.heat).all()
        assert (read["beside_heat"] == first.heat[None]).all()
        assert read["beside_asked_cell"].tolist() == [[0, 0, 0]]
        assert read["beside_times_uniform_per_unit"].tolist() == [first.times_uniform_per_unit]
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert [line["note"] for line in lines] == ["Note: Two pins."] + [""] * (2 * 240 - 1)
    for letter, answer in (("A", first), ("B", last)):
        weights = [np.float32(line["weight"]) for line in lines if line["pin"] == letter]
        assert (np.array(weights) == answer.values).all(), letter
