"""Questions of one clip, answered in all clips of a survey that kept their keys.

Clips are ranked by the score of their strongest key, scale * theta_i . phi_j, which the block computes between two
positions of one clip, here between positions of two. 8-bit codes choose candidates, float16 keys rank them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from nonlocal_core.errors import SurveyError
from nonlocal_core.media.reading import Media
from nonlocal_core.pin import Point
from nonlocal_core.running.prepared import PreparedModel, prepare_model
from nonlocal_core.session import Session
from nonlocal_core.survey.keys import captured_block, coarse_scores, phi_of, place_in, strongest, theta_of
from nonlocal_core.survey.result import ResultFolder

CANDIDATES = 4
"""Number of clips to rank by float16 keys, for each clip asked for."""
COUNT = 10
RANKED_BY = (
    "Other clips, by the score θ·φ of their strongest place: what the block computes between places of one clip, here "
    "of this place with theirs. × an even share: what that place would get if this one stood in its clip."
)
"""Sentences above the clips wherever they are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedClip:
    """Clip in which a position would look, and the place: the index of a frame that was read, x and y in [0, 1].

    ``score``: scale * theta_i . phi_j, the logarithm of f if a softmax follows, f for the dot product. ``weight``
    and ``times_uniform``: the weight that the place would get if the position were in that clip.
    """

    place: int
    clip: str
    name: str
    frame: int
    x: float
    y: float
    score: float
    weight: float
    times_uniform: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipsAsked:
    """Clips in which a position of another clip would look, strongest first, and the question.

    ``count``: the number of clips that were asked. ``cautions``: those of the block and of the asking clip.
    """

    clip: str
    model: str
    block: str
    pairwise: str
    frame: int
    x: float
    y: float
    count: int
    cautions: tuple[str, ...]
    ranked: tuple[RankedClip, ...]


def ask(
    result: str | Path,
    clip: Media,
    *,
    point: Point | None = None,
    model: str | None = None,
    count: int = COUNT,
) -> ClipsAsked:
    """Return the clips of a survey in which a position of another clip or picture would look, strongest first.

    ``clip``: as for ``Session.open``; copies of it in the survey are left out. ``point``: (frame, x, y), or None for
    the clip's first question. ``model``: one of the survey's networks, or None for its first. ``count``: the number of
    clips to rank.
    Raises SurveyError for a survey without keys, OutsideGridError, and the errors of ``Session.open``.
    """
    folder = result_with_keys(result)
    plan = folder.plan
    session = Session.open(clip, network_of(folder, model), frames=plan.frames, short_side=plan.short_side)
    block = captured_block(session, str(plan.index))
    first = session.first_question()
    asked = point or (first.frame, first.x, first.y)
    theta, info = theta_of(block, asked), session.frames.info
    searched, ranked = rank(folder, theta, session.model.card.id, count=count, without=info.sha256)
    return ClipsAsked(
        clip=info.name,
        model=session.model.card.id,
        block=block.name,
        pairwise=block.pairwise,
        frame=asked[0],
        x=asked[1],
        y=asked[2],
        count=searched,
        cautions=tuple(filter(None, (block.warning, *session.frames.warnings))),
        ranked=ranked,
    )


def ask_of_survey(
    folder: ResultFolder, place: int, model: str, number: int, *, count: int = COUNT
) -> tuple[int, tuple[RankedClip, ...]]:
    """Return the number of clips asked one of a surveyed clip's fixed questions, and the strongest; no network runs.

    Raises SurveyError for a clip without keys.
    """
    found = folder.keys(place, model)
    if found is None:
        raise SurveyError(f"The survey in {folder.path} has no keys of clip {place} and {model}. Choose another clip.")
    theta = np.frombuffer(found["asks"][number]["theta"], np.float32)
    return rank(folder, theta, model, count=count, without=found["sha256"])


def result_with_keys(result: str | Path) -> ResultFolder:
    """Return the folder of a survey that keeps keys. Raises SurveyError for any other."""
    folder = ResultFolder(result)
    if folder.plan.index is None:
        raise SurveyError(f"{folder.path} keeps no keys to search. Survey with --index first into a new folder.")
    return folder


def network_of(folder: ResultFolder, model: str | None) -> PreparedModel:
    """Return a network of a survey, its first if none is named. Raises SurveyError for one that it lacks."""
    for named in folder.plan.models:
        prepared = prepare_model(named)
        if model in (None, named, prepared.card.id):
            return prepared
    raise SurveyError(f"The survey in {folder.path} has no {model!r}; it has {', '.join(folder.plan.models)}.")


def rank(
    folder: ResultFolder, theta: Float32[np.ndarray, " Ci"], model: str, *, count: int = COUNT, without: str = ""
) -> tuple[int, tuple[RankedClip, ...]]:
    """Return the number of clips asked, and the first ``count`` of them by the score of their strongest key.

    ``without``: the hash of a file to leave out. Reads the 8-bit codes of every clip, and the float16 keys of
    ``CANDIDATES`` times ``count`` clips.
    """
    coarse = [
        (float(coarse_scores(theta[None], found["codes"])[0]), found["place"])
        for found in clips_with_keys(folder, model, ("place", "sha256", "codes"))
        if found["sha256"] != without
    ]
    nearest = sorted(coarse, key=lambda scored: (-scored[0], scored[1]))[: CANDIDATES * count]
    exact = [
        clip for _, place in nearest if (found := folder.keys(place, model)) and (clip := ranked_clip(theta, found))
    ]
    return len(coarse), tuple(sorted(exact, key=lambda clip: (-clip.score, clip.place))[:count])


def clips_with_keys(folder: ResultFolder, model: str, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """Yield the keys of all clips that have some, in the order of the reading list (`ResultFolder.keys`)."""
    for place in sorted(folder.done()):
        found = folder.keys(place, model, columns)
        if found is not None:
            yield found


def ranked_clip(theta: Float32[np.ndarray, " Ci"], found: dict[str, Any]) -> RankedClip:
    """Return a clip with its strongest key for a theta, by its float16 keys."""
    return ranked_clips(theta[None], found)[0]


def ranked_clips(thetas: Float32[np.ndarray, "n Ci"], found: dict[str, Any]) -> Sequence[RankedClip]:
    """Return a clip with its strongest key for each of several thetas, by its float16 keys."""
    best = strongest(thetas, phi_of(found), found["pairwise"], found["scale"])
    made = []
    for n, index in enumerate(best.index.tolist()):
        frame, x, y = place_in(found, index)
        made.append(
            RankedClip(
                place=found["place"],
                clip=found["clip"],
                name=found["name"],
                frame=frame,
                x=x,
                y=y,
                score=float(best.score[n]),
                weight=float(best.weight[n]),
                times_uniform=float(best.times_uniform[n]),
            )
        )
    return made
