"""Reading lists: folders, text, Parquet, addresses of fsspec, each with the addresses in their order."""

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nonlocal_core.errors import SurveyError
from nonlocal_core.survey import clip_list


def test_a_folder_is_all_its_files_but_the_hidden_ones(tmp_path):
    for name in ("b.mp4", "a.txt", "under/c.png", ".hidden/d.png", "under/.e.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert clip_list(tmp_path) == tuple(str(tmp_path.resolve() / name) for name in ("a.txt", "b.mp4", "under/c.png"))


def test_addresses_of_a_list_count_from_the_list(tmp_path):
    (tmp_path / "clips.txt").write_text("﻿a b.mp4\n\n  under/c.png \n/abs/d.gif\nsample:coffee\ns3://bucket/e.mp4\n")
    assert clip_list(tmp_path / "clips.txt") == (
        str(tmp_path.resolve() / "a b.mp4"),
        str(tmp_path.resolve() / "under/c.png"),
        "/abs/d.gif",
        "sample:coffee",
        "s3://bucket/e.mp4",
    )


def test_a_column_of_parquet(tmp_path):
    file = tmp_path / "clips.parquet"
    pq.write_table(pa.table({"uri": ["sample:coffee", None, "a.png"], "label": [1, 2, 3]}), file)
    assert clip_list(file, column="uri") == ("sample:coffee", str(tmp_path.resolve() / "a.png"))
    with pytest.raises(SurveyError, match="no column 'path'; it has uri, label"):
        clip_list(file)


def test_an_address_of_fsspec_is_listed():
    system = fsspec.filesystem("memory")
    for name in ("/set/b.mp4", "/set/under/a.png"):
        system.pipe_file(name, name.encode())
    assert clip_list("memory://set") == ("memory:///set/b.mp4", "memory:///set/under/a.png")
    with pytest.raises(SurveyError, match="cannot be listed"):
        clip_list("nosuchprotocol://set")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path / "absent", "there is no"),
        (lambda path: path, "has none"),
        (lambda path: [], "the list has none"),
        (lambda path: picture(path / "clip.png"), "is no text"),
    ],
)
def test_what_is_no_list_is_refused(make, words, tmp_path):
    with pytest.raises(SurveyError, match=words):
        clip_list(make(tmp_path))


def picture(path):
    path.write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe")
    return path
