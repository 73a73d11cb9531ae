"""The process that decodes for a worker (`media.apart`) reads file after file; one that breaks it is the last."""

import numpy as np
import psutil
import pytest
from PIL import Image

from nonlocal_core.errors import MediaError
from nonlocal_core.media import Limits, Selection, read_frames
from nonlocal_core.media.apart import ApartReader


def decoders():
    """The processes that decode for this one."""
    return {p.pid for p in psutil.Process().children() if any("apart_child" in part for part in p.cmdline())}


def read(reader, path):
    return reader.read_frames(path, Selection(frames=1), limits=Limits(), tell=lambda done, total: None)


def test_a_process_reads_on_until_a_file_is_refused(tmp_path):
    pictures = [tmp_path / f"{place}.png" for place in range(3)]
    for place, path in enumerate(pictures):
        Image.radial_gradient("L").rotate(40 * place).resize((60 + place, 40)).save(path)
    (tmp_path / "text.png").write_text("no picture")
    before, reader = decoders(), ApartReader(1, again=True)
    used = []
    for path in pictures[:2]:
        assert np.array_equal(read(reader, path).rgb, read_frames(path).rgb)
        used.append(decoders() - before)
    assert used[0] == used[1]
    assert len(used[0]) == 1
    with pytest.raises(MediaError, match=r"text\.png is text"):
        read(reader, tmp_path / "text.png")
    assert decoders() == before
    assert np.array_equal(read(reader, pictures[2]).rgb, read_frames(pictures[2]).rgb)
    assert decoders() - before != used[0]
    reader.close()
    assert decoders() == before
