"""Measure whether the 8-bit keys of a survey find the clips that all keys find, and what a question costs.

    python benchmarks/recall.py RESULT [clips]

RESULT: a survey with --index. The questions are the fixed ones of its first clips (40), asked in all its clips, the
asking one left out. Truth is the ten clips whose strongest float16 key scores highest, by brute force. Prints a
Markdown table: the part of them among the first ten by 8-bit codes alone, and with float16 keys ranking the
candidates, as `ask` does; then processor and wall time of single questions.
"""

import statistics
import sys
import time
from datetime import date
from itertools import islice

import numpy as np

from nonlocal_core.survey import ResultFolder
from nonlocal_core.survey.keys import coarse_scores, phi_of, strongest
from nonlocal_core.survey.other_clips import CANDIDATES, COUNT, clips_with_keys, rank

ASKING = 40
TIMED = 5


def main() -> None:
    folder = ResultFolder(sys.argv[1])
    most = int(sys.argv[2]) if len(sys.argv) > 2 else ASKING
    print(f"{date.today()}, {folder.count} clips, block {folder.plan.index}\n")
    print(
        "| network | clips | keys a clip | questions | recall@10, 8 bits | recall@10, re-ranked | core s a question | "
        "s a question | MB of codes a clip | MB of float16 a clip |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for model in folder.networks():
        print(line(folder, model, most), flush=True)


def line(folder: ResultFolder, model: str, most: int) -> str:
    """Row of the table for one network."""
    asking = [
        (np.frombuffer(asks["theta"], np.float32), found["sha256"])
        for found in islice(clips_with_keys(folder, model), most)
        for asks in found["asks"]
    ]
    thetas = np.stack([theta for theta, _ in asking])
    places, coarse, exact, keys, codes, floats = [], [], [], [], [], []
    for found in clips_with_keys(folder, model):
        is_own = np.array([sha256 == found["sha256"] for _, sha256 in asking])
        phi = phi_of(found)
        best = strongest(thetas, phi, found["pairwise"], found["scale"]).score
        exact.append(np.where(is_own, -np.inf, best))
        coarse.append(np.where(is_own, -np.inf, coarse_scores(thetas, found["codes"])))
        places.append(found["place"])
        keys.append(len(phi))
        codes.append(len(found["codes"]) / 1e6)
        floats.append(len(found["phi"]) / 1e6)
    alone, ranked = recalls(np.array(coarse).T, np.array(exact).T)
    core, wall = timed(folder, model, thetas)
    means = [f"{statistics.mean(of):.2f}" for of in (codes, floats)]
    return (
        f"| {model} | {len(places)} | {statistics.mean(keys):.0f} | {len(thetas)} | {alone:.3f} | {ranked:.3f} | "
        f"{core:.2f} | {wall:.2f} | {means[0]} | {means[1]} |"
    )


def recalls(coarse: np.ndarray, exact: np.ndarray) -> tuple[float, float]:
    """Recall@10 of scores by codes (n, clips) alone, and of their candidates ranked by float16 keys (n, clips)."""
    alone, ranked = [], []
    for by_codes, by_keys in zip(coarse, exact, strict=True):
        truth = set(np.argsort(-by_keys, kind="stable")[:COUNT].tolist())
        order = np.argsort(-by_codes, kind="stable")
        candidates = order[: CANDIDATES * COUNT]
        found = candidates[np.argsort(-by_keys[candidates], kind="stable")][:COUNT]
        alone.append(len(truth & set(order[:COUNT].tolist())) / len(truth))
        ranked.append(len(truth & set(found.tolist())) / len(truth))
    return statistics.mean(alone), statistics.mean(ranked)


def timed(folder: ResultFolder, model: str, thetas: np.ndarray) -> tuple[float, float]:
    """Median seconds of one question, of the processor and on the wall, its files in the system's cache."""
    taken = []
    for theta in thetas[: TIMED + 1]:
        core, wall = time.process_time(), time.perf_counter()
        rank(folder, theta, model)
        taken.append((time.process_time() - core, time.perf_counter() - wall))
    cores, walls = zip(*taken[1:], strict=True)
    return statistics.median(cores), statistics.median(walls)


if __name__ == "__main__":
    main()
