"""Pictures as Chromium shows them: every frame of a file over grey, and how long it lasts."""

import base64
import json
from dataclasses import dataclass

import numpy as np
from playwright.sync_api import Page

ORIGIN = "http://localhost/pictures"
"""A secure context, which ImageDecoder needs; the test answers it itself."""

DECODE = """async (files) => {
  const shown = [];
  for (const { bytes, type, grey } of files) {
    const data = Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0));
    const decoder = new ImageDecoder({ data, type });
    await decoder.tracks.ready;
    await decoder.completed;
    const frames = [];
    for (let frameIndex = 0; frameIndex < decoder.tracks.selectedTrack.frameCount; frameIndex++) {
      const { image } = await decoder.decode({ frameIndex });
      const still = decoder.tracks.selectedTrack.frameCount === 1;
      const source = still ? await createImageBitmap(new Blob([data], { type })) : image;
      const [width, height] = still ? [source.width, source.height] : [image.displayWidth, image.displayHeight];
      const canvas = new OffscreenCanvas(width, height);
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.fillStyle = `rgb(${grey} ${grey} ${grey})`;
      context.fillRect(0, 0, width, height);
      context.drawImage(source, 0, 0);
      const rgba = context.getImageData(0, 0, width, height).data;
      let text = "";
      for (let at = 0; at < rgba.length; at += 8192) text += String.fromCharCode(...rgba.subarray(at, at + 8192));
      frames.push({ width, height, microseconds: image.duration, rgba: btoa(text) });
      image.close();
    }
    shown.push(frames);
    decoder.close();
  }
  return JSON.stringify(shown);
}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One frame as Chromium shows it."""

    rgb: np.ndarray
    seconds: float | None


def shown_by_chromium(page: Page, files: list[tuple[bytes, str]], grey: int) -> list[list[Shown]]:
    """Return the frames of each file, given with its media type, over that grey."""
    page.route(ORIGIN, lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    page.goto(ORIGIN)
    sent = [{"bytes": base64.b64encode(data).decode(), "type": media_type, "grey": grey} for data, media_type in files]
    return [[_frame(frame) for frame in frames] for frames in json.loads(page.evaluate(DECODE, sent))]


def _frame(frame: dict) -> Shown:
    rgba = np.frombuffer(base64.b64decode(frame["rgba"]), np.uint8).reshape(frame["height"], frame["width"], 4)
    seconds = None if frame["microseconds"] is None else frame["microseconds"] / 1e6
    return Shown(rgb=rgba[..., :3].astype(int), seconds=seconds)
