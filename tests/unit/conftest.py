"""What holds for every unit test."""

import pytest

from nonlocal_core.media import intake


@pytest.fixture(autouse=True, scope="session")
def _samples_are_read_once():
    """Sessions on a sample share its frames: `tests/unit/media` proves how they are read, and calls what reads them."""
    read, kept = intake.read_frames, {}

    def read_once(source, selection=None, *, limits, progress):
        if not (isinstance(source, str) and source.startswith("sample:")):
            return read(source, selection, limits=limits, progress=progress)
        key = (source, selection, limits)
        if key not in kept:
            kept[key] = read(source, selection, limits=limits, progress=progress)
            for array in (kept[key].rgb, kept[key].frame_indices):
                array.setflags(write=False)
        count = len(kept[key].rgb)
        progress(count, count)
        return kept[key]

    intake.read_frames = read_once
    yield
    intake.read_frames = read
