"""Rows of the page without a server, from the tables that its worker answered, beside those of Python."""

from pathlib import Path

import numpy as np
from playwright.sync_api import Page

from nonlocal_core.capture.record import BlockCapture
from nonlocal_core.capture.rows import many_row_weights
from nonlocal_core.session import Session
from nonlocal_core.vocabulary import SOFTMAX

ROW_TOLERANCE = 1e-3
"""Of a row's largest weight."""
RECORD = """{
    const Real = window.Worker;
    window.Worker = class extends Real {
        constructor(...given) {
            super(...given);
            this.addEventListener("message", ({ data }) => data.tables && (window.tables = data.tables));
        }
        postMessage(message, ...rest) {
            if (message.kind === "run") window.seen = [...(window.seen ?? []), message.frames.length];
            super.postMessage(message, ...rest);
        }
    };
}"""
"""Keeps what the network's worker answers and how many frames each run gets, before the page begins."""
ROWS = """([name, asked, sums]) => {
    const theta = window.tables.get(`theta:${name}`);
    const phi = window.tables.get(`phi:${name}`) ?? theta;
    const channels = theta.values.length / theta.rows;
    return asked.map((query) => Array.from({ length: phi.rows }, (_, key) => {
        if (sums) return theta.values[query] + phi.values[key];
        let score = 0;
        for (let c = 0; c < channels; c++) score += theta.values[query * channels + c] * phi.values[key * channels + c];
        return score;
    }));
}"""
"""Scores of some queries before normalisation; of a concatenation, sums of theta and phi."""


def rows_differ(page: Page, path: Path, model: str, *, short_side: int | None = None) -> float:
    """Return the largest difference of the page's rows from Python's, as a part of the largest weight of the row."""
    worst = 0.0
    for block in Session.open(path, model, short_side=short_side, device="cpu").capture.blocks:
        asked = np.linspace(0, block.query_grid.size - 1, 7).astype(int)
        sums = block.pairwise == "concatenation"
        seen = _weights(block, np.array(page.evaluate(ROWS, [block.name, asked.tolist(), sums])))
        true = many_row_weights(block, asked)
        worst = max(worst, float((np.abs(seen - true).max(axis=1) / np.abs(true).max(axis=1)).max()))
    return worst


def _weights(block: BlockCapture, scores: np.ndarray) -> np.ndarray:
    if block.pairwise in SOFTMAX:
        weights = np.exp(block.scale * (scores - scores.max(axis=1, keepdims=True)))
        return weights / weights.sum(axis=1, keepdims=True)
    return (np.maximum(scores, 0) if block.pairwise == "concatenation" else scores) / scores.shape[1]
