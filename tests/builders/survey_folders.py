"""Folders of surveys over clips that are no files, a survey that is killed in one, and small clips that are files."""

import subprocess
import sys

import numpy as np
import survey_engine
from PIL import Image
from survey_engine import SHARD

from nonlocal_core.survey import ResultFolder
from nonlocal_core.survey.plan import Plan
from nonlocal_core.survey.records import Row

COUNT = 11

CLIPS = [f"clip {place}" for place in range(COUNT)]


def begin(out, clips=CLIPS, models=("m",), **choice):
    ResultFolder.begin(out, Plan(models=tuple(models), **choice), clips, shard=SHARD)
    return out


def killed(out, where, after):
    """Run in a process of its own that ends there; return its status."""
    command = [sys.executable, survey_engine.__file__, str(out), str(COUNT), where, str(after)]
    return subprocess.run(command, capture_output=True, check=False).returncode


def write_clip(path, *, seed, frames=8, size_hw=(128, 160)):
    """A GIF whose blob moves over noise."""
    rng = np.random.default_rng(seed)
    ground = rng.integers(0, 256, (*size_hw, 3), np.uint8)
    pictures = []
    for t in range(frames):
        frame = ground.copy()
        frame[20:60, 10 + 9 * t : 40 + 9 * t] = rng.integers(0, 256, 3)
        pictures.append(Image.fromarray(frame))
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=80)
    return str(path)


def write_pictures(clips):
    """A folder of pictures, one of them in a folder below, one file that is cut short, and one that is hidden."""
    (clips / "below").mkdir(parents=True)
    for place, name in enumerate(["a.png", "below/b.png", "c.png"]):
        Image.radial_gradient("L").rotate(30 * place).resize((90 + place, 70)).convert("RGB").save(clips / name)
    (clips / "cut.png").write_bytes((clips / "a.png").read_bytes()[:20])
    (clips / ".hidden.png").write_bytes((clips / "a.png").read_bytes())
    return clips


def shown_row(place, **figures):
    """A row of a clip that is no file, so that there is no viewer of it."""
    facts = {"place": place, "clip": CLIPS[place], "name": f"name {place}", "model": "m", "block": "b"}
    return Row(**facts, is_shown_first=True, sha256="0", frame_indices=(0,), picture=b"%d" % place, **figures)
