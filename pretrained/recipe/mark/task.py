"""Questions about marks: who wore which, asked at a place other than where it was worn.

One hop: in one frame every object wears one of three marks. Asked at each object in every other frame: which mark did
this object wear? Two hops: in one frame A and its partner B wear one of two tags, C the other; in another frame B and C
wear different marks of two, A either. Asked at A in the frame of tags: which mark does the partner wear?
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from nonlocal_core.models.mark import STRENGTH as ONE_HOP_STRENGTH
from pretrained.recipe.mark.scenes import OBJECTS

Hops = Literal[1, 2]

MARKS: dict[Hops, int] = {1: 3, 2: 4}
"""Number of channels for marks; with two hops, the first two are tags."""
ANSWERS: dict[Hops, int] = {1: 3, 2: 2}
"""Number of possible answers, all equally likely."""
STRENGTH: dict[Hops, float] = {1: ONE_HOP_STRENGTH, 2: 15.0}
"""Value of a mark, for features with a deviation of 1."""

Cells = list[list[list[np.ndarray]]]
"""Clip, object, frame -> positions in the clip that the object owns."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Questions:
    """Questions on a batch of clips: marks to put on them, positions to ask at, and the right answers.

    ``apart``: the number of frames between the question and the marks. ``own_queries``, ``own_answers``: with two hops,
    the question to the first block alone, each object's own mark. Without that question, two blocks learn nothing.
    """

    marks: Float[Tensor, "B N M"]
    queries: Int[Tensor, "B Q"]
    answers: Int[Tensor, "B Q"]
    apart: Int[Tensor, "B Q"]
    own_queries: Int[Tensor, "B K"] | None = None
    own_answers: Int[Tensor, "B K"] | None = None


def cells_of(owners: np.ndarray) -> Cells:
    """Return the positions of each object in each frame of clips whose owners (n, T, h, w) are given."""
    frames, area = owners.shape[1], owners.shape[2] * owners.shape[3]
    flat = owners.reshape(len(owners), frames, area)
    return [
        [[t * area + np.flatnonzero(clip[t] == label) for t in range(frames)] for label in range(1, OBJECTS + 1)]
        for clip in flat
    ]


def draw(hops: Hops, cells: Cells, positions: int, rng: np.random.Generator) -> Questions:
    """Return new questions on the clips with the given cells, of ``positions`` cells each."""
    return (_one_hop if hops == 1 else _two_hops)(cells, positions, rng)


def _one_hop(cells: Cells, positions: int, rng: np.random.Generator) -> Questions:
    frames = len(cells[0][0])
    marks = np.zeros((len(cells), positions, MARKS[1]), np.float32)
    queries, answers, apart = (np.zeros((len(cells), OBJECTS * (frames - 1)), np.int64) for _ in range(3))
    for clip, of_clip in enumerate(cells):
        marked, worn = int(rng.integers(frames)), rng.permutation(OBJECTS)
        others = [t for t in range(frames) if t != marked]
        for label, of_object in enumerate(of_clip):
            marks[clip, of_object[marked], worn[label]] = STRENGTH[1]
            for place, t in enumerate(others):
                asked = label * len(others) + place
                queries[clip, asked] = rng.choice(of_object[t])
                answers[clip, asked], apart[clip, asked] = worn[label], abs(t - marked)
    return Questions(
        marks=torch.from_numpy(marks),
        queries=torch.from_numpy(queries),
        answers=torch.from_numpy(answers),
        apart=torch.from_numpy(apart),
    )


def _two_hops(cells: Cells, positions: int, rng: np.random.Generator) -> Questions:
    marks = np.zeros((len(cells), positions, MARKS[2]), np.float32)
    queries, answers, apart = (np.zeros((len(cells), 1), np.int64) for _ in range(3))
    own_queries, own_answers = (np.zeros((len(cells), OBJECTS), np.int64) for _ in range(2))
    for clip, of_clip in enumerate(cells):
        tagged, marked = rng.permutation(len(of_clip[0]))[:2]
        asker, partner, third = rng.permutation(OBJECTS)
        tag, mark, any_mark = rng.integers(2, size=3)
        tags = {asker: tag, partner: tag, third: 1 - tag}
        worn = {asker: any_mark, partner: mark, third: 1 - mark}
        for label, of_object in enumerate(of_clip):
            marks[clip, of_object[tagged], tags[label]] = STRENGTH[2]
            marks[clip, of_object[marked], 2 + worn[label]] = STRENGTH[2]
            own_queries[clip, label] = rng.choice(of_object[tagged])
            own_answers[clip, label] = worn[label]
        queries[clip, 0] = rng.choice(of_clip[asker][tagged])
        answers[clip, 0], apart[clip, 0] = mark, abs(int(tagged) - int(marked))
    return Questions(
        marks=torch.from_numpy(marks),
        queries=torch.from_numpy(queries),
        answers=torch.from_numpy(answers),
        apart=torch.from_numpy(apart),
        own_queries=torch.from_numpy(own_queries),
        own_answers=torch.from_numpy(own_answers),
    )


def share_won(right: float, hops: Hops) -> float:
    """Return the fraction won of what can be won, (accuracy - chance) / (1 - chance), from the accuracy."""
    chance = 1 / ANSWERS[hops]
    return (right - chance) / (1 - chance)
