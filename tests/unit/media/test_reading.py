"""The two questions to a file, its facts and its frames: by content, from a path or from bytes, with progress."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from media_files import number_of, stamped, stamps, video
from PIL import Image

from nonlocal_core.errors import SelectionError
from nonlocal_core.media import MediaInfo, Selection, probe, read_frames


def test_content_decides_and_not_the_name() -> None:
    file = io.BytesIO()
    Image.fromarray(stamped(5)).save(file, "PNG")
    assert probe(file.getvalue(), name="movie.mp4").kind == "image"
    assert probe(stamps(3), name="photo.jpg").kind == "video"


def test_a_side_of_no_pixels_is_refused() -> None:
    with pytest.raises(SelectionError, match="max_side=0"):
        read_frames(stamps(2), Selection(), max_side=0)


def test_threads_read_beside_each_other() -> None:
    clips = [video((stamped(n * 10 + k) for n in range(12)), options={"bf": "2"}) for k in range(6)]
    with ThreadPoolExecutor(max_workers=4) as pool:
        read = list(pool.map(lambda data: read_frames(data, Selection(frames=3)), clips))
    for k, frames in enumerate(read):
        assert [number_of(picture) for picture in frames.rgb] == [k, 50 + k, 110 + k]


COUNT = 29


def test_paths_and_bytes_give_the_same(tmp_path: Path) -> None:
    data = stamps(COUNT)
    path = tmp_path / "clip.mp4"
    path.write_bytes(data)
    from_path, from_bytes = probe(path), probe(data, name="clip.mp4")
    assert isinstance(from_path, MediaInfo)
    assert from_path == from_bytes
    a, b = read_frames(path, Selection()), read_frames(data, Selection(), name="clip.mp4")
    assert (a.rgb == b.rgb).all()


def test_progress_counts_up_and_its_errors_pass_through() -> None:
    told: list[tuple[int, int]] = []
    read_frames(stamps(COUNT), Selection(frames=4), progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_frames(stamps(COUNT), Selection(), progress=stop)
