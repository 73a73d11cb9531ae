"""Fixtures of the tests of surveys: clips, and arithmetic of one thread, as workers have it."""

import pytest
import torch
from survey_folders import write_clip


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    return [write_clip(folder / f"{name}.gif", seed=seed) for name, seed in (("a", 1), ("b", 2))]
