"""Frames that a page without a server feeds to its network, as they go to its worker."""

from base64 import b64decode

import numpy as np
from jaxtyping import UInt8
from playwright.sync_api import Page

FED = """{
    const Real = window.Worker;
    const base64 = (bytes) => {
        const parts = [];
        for (let at = 0; at < bytes.length; at += 32768) {
            parts.push(String.fromCharCode(...bytes.subarray(at, at + 32768)));
        }
        return btoa(parts.join(""));
    };
    window.Worker = class extends Real {
        postMessage(message, ...rest) {
            if (message.frames?.length) {
                window.fed = message.frames.map((frame) => {
                    const { width, height } = frame;
                    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
                    context.drawImage(frame, 0, 0);
                    return { width, height, bytes: base64(context.getImageData(0, 0, width, height).data) };
                });
            }
            super.postMessage(message, ...rest);
        }
    };
}"""
"""Script that keeps them, before the page begins."""


def frames_fed(page: Page) -> list[UInt8[np.ndarray, "h w 3"]]:
    """Return the frames of the last run that had any."""
    return [
        np.frombuffer(b64decode(frame["bytes"]), np.uint8).reshape(frame["height"], frame["width"], 4)[..., :3].copy()
        for frame in page.evaluate("window.fed")
    ]
