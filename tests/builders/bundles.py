"""Small bundles to read and to break: frames, blocks, and a way to change a header and keep the id true."""

import hashlib
import json
import struct

import numpy as np

from nonlocal_core.bundle import ClipWords, ModelLabel, Question, Storage, TourStop, View, encode_bundle
from nonlocal_core.capture.record import BlockCapture, Capture, ClassScore
from nonlocal_core.geometry import QueryGrid
from nonlocal_core.media import Frames, MediaInfo

MODEL = ModelLabel(id="tiny", title="Tiny network", status="trained")


def make_frames(frames=5, height=48, width=64, *, name="clip.mp4", seed=0, warnings=()):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (frames, 6, 8, 3), np.uint8)
    rgb = np.repeat(np.repeat(coarse, height // 6, axis=1), width // 8, axis=2)
    info = MediaInfo(
        name=name,
        kind="video" if frames > 1 else "image",
        byte_count=1000,
        sha256="0" * 64,
        shown_hw=(height, width),
        frame_count=frames,
        rate=None,
        duration_seconds=None,
        codec="h264",
    )
    return Frames(
        rgb=rgb,
        pts_seconds=np.arange(frames) * 0.25,
        frame_indices=np.arange(frames, dtype=np.int64) * 6,
        info=info,
        warnings=warnings,
    )


def make_block(
    pairwise="embedded_gaussian",
    *,
    name="stride16",
    grid=(5, 6, 8),
    clip_frames=None,
    channels=7,
    subsample=(1, 1, 1),
    scope="spacetime",
    groups=1,
    off_grid=(),
    scale=0.5,
    size=1.0,
    seed=1,
    **facts,
):
    """``size`` multiplies theta and phi; ``facts`` are further fields of BlockCapture."""
    rng = np.random.default_rng(seed)
    queries = QueryGrid.over_clip(clip_frames=clip_frames or grid[0], steps=grid[0], rows=grid[1], cols=grid[2])
    keys = queries.pooled(subsample)
    channels = 1 if pairwise == "concatenation" else channels
    off_grid_rows = len(off_grid) * (keys.steps if scope == "space" else 1)
    theta, phi = (
        (size * rng.normal(size=(count, channels))).astype(np.float32)
        for count in (queries.size, keys.size + off_grid_rows)
    )
    return BlockCapture(
        name=name,
        title=f"Block {name}",
        pairwise=pairwise,
        scale=scale,
        theta=theta,
        phi=phi,
        query_grid=queries,
        key_grid=keys,
        subsample=subsample,
        scope=scope,
        temporal_groups=groups,
        off_grid_keys=off_grid,
        **facts,
    )


def make_bundle(*blocks, frames=None, view=None, words=None, **storage):
    capture = Capture(blocks=blocks, classes=(ClassScore("espresso", 0.75), ClassScore("cup", 0.125)))
    words, storage = words or ClipWords(), Storage(**storage)
    return encode_bundle(frames or make_frames(), capture, model=MODEL, view=view, words=words, storage=storage)


def full_bundle():
    """Every optional part is there: effect, rebuild error, head, off-grid keys, a tour, two blocks."""
    rng = np.random.default_rng(3)
    first = make_block(
        effect=rng.random(240, np.float32), rebuild_error=2.5e-7, head=3, off_grid=("class token",), note="a note"
    )
    second = make_block("dot_product", name="stride8", subsample=(1, 2, 3), status="untrained")
    stop = TourStop(question=Question(frame=4, x=0.75, y=0.5), caption="Look here.", block="stride8")
    view = View(block="stride16", question=Question(frame=1, x=0.25, y=1.0), tour=(stop,))
    frames = make_frames(warnings=("It is cut short.",))
    return make_bundle(first, second, frames=frames, view=view, words=ClipWords(caption="A clip.", licence="CC0"))


def header_of(data):
    length = struct.unpack_from("<I", data, 8)[0]
    return json.loads(data[12 : 12 + length]), data[12 + length :]


def rebuilt(header, payload, *, true_id=True):
    """Pack a header that a test changed, by the format's description and not by its code."""
    if true_id:
        bare = {key: value for key, value in header.items() if key != "id"}
        digest = hashlib.sha256(json.dumps(bare, sort_keys=True, separators=(",", ":")).encode())
        digest.update(payload)
        header = {**bare, "id": digest.hexdigest()}
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-(12 + len(text)) % 64)
    return struct.pack("<4sII", b"NLVB", 3, len(text)) + text + payload
