"""Files of a picture and of numbers, read back, and what is left when writing fails."""

import csv
import os
import time

import numpy as np
import pytest
from flat_pictures import TIMES, CancelledError, pictures
from PIL import Image
from render_rows import make_column, make_row

from nonlocal_core.errors import RenderError
from nonlocal_core.geometry import Cell
from nonlocal_core.render import (
    replacing,
    write_csv,
    write_npz,
    write_png,
)
from nonlocal_core.render.writing import LEFT_OVER_SECONDS


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
