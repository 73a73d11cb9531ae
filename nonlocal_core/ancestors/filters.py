"""Filters whose affinities open as networks without weights: their ids, and their settings by name.

An id contains the settings that differ from the defaults, so that a link keeps them, as in
``pixels-nl-means:h=0.2:patch=7``. Nothing here imports torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from nonlocal_core.errors import SelectionError, UnknownNameError

MOST_NOISE = 0.3
"""Maximum standard deviation of the noise, on a scale where white is 1."""
STACK = 16
"""Number of blocks in a stack of BM3D, a power of two."""
THRESHOLD = 2.7
"""Threshold below which coefficients are set to zero, in deviations of the noise (section IV of the article)."""
NO_WEIGHTS = "No weights: these are pixels, not features."


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Bounds of a numeric setting of a filter, and its label."""

    title: str
    least: float
    most: float
    step: float
    words: str


NOISE = Setting(
    title="Noise",
    least=0,
    most=MOST_NOISE,
    step=0.01,
    words="Deviation of Gaussian noise that is added to the pixels before they are compared; white is 1.",
)
_COLOUR = Setting(
    title="Colour", least=0.02, most=1, step=0.01, words="Deviation over red, green and blue, where white is 1."
)
_SPACE = Setting(
    title="Distance", least=0.03, most=2, step=0.01, words="Deviation in the picture, in short sides of the frame."
)
_STEPS = Setting(title="Frames", least=0.5, most=64, step=0.5, words="Deviation in time, in frames that are shown.")


@dataclass(frozen=True, slots=True, kw_only=True)
class NlMeans:
    """Non-local means: weight exp(-d^2 / h^2), with d^2 the Gaussian-weighted mean squared difference of two patches.

    A. Buades, B. Coll, J.-M. Morel, "A non-local algorithm for image denoising" (CVPR 2005), section 3, here over all
    frames and without a search window.

    >>> filter_id(NlMeans(h=0.2, patch=7))
    'pixels-nl-means:h=0.2:patch=7'
    """

    name: ClassVar[str] = "pixels-nl-means"
    title: ClassVar[str] = "Pixels, non-local means"
    description: ClassVar[str] = (
        "The ancestor that non-local blocks are named after (Buades, Coll, Morel 2005; paper, section 2). No weights, "
        "nothing learned: a pixel looks at the pixels whose small patches resemble its own, in all frames, and becomes "
        "their mean. This is the embedded Gaussian with patches in place of features. The maps follow colour and "
        "texture; they know no objects."
    )
    settings: ClassVar[Mapping[str, Setting]] = {
        "h": Setting(
            title="Tolerance h",
            least=0.02,
            most=0.5,
            step=0.01,
            words="The larger, the less alike patches may be; white is 1.",
        ),
        "patch": Setting(title="Patch", least=1, most=9, step=2, words="Side of a patch in pixels of the grid, odd."),
        "noise": NOISE,
    }
    blocks: ClassVar[Mapping[str, str]] = {"patches": "patches of pixels"}

    h: float = 0.1
    patch: int = 5
    noise: float = 0.0

    def __post_init__(self) -> None:
        _check(self)

    def note(self, block: str) -> str:
        """Return the note that accompanies its maps."""
        size = f"{self.patch} x {self.patch}"
        return f"{NO_WEIGHTS} Non-local means: how alike patches of {size} pixels are, h {self.h:g}.{_noisy(self)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bilateral:
    """Bilateral filter: pixels are weighted by their distance and by their difference in colour.

    ``exp(-|p_i - p_j|^2 / 2 space^2 - dt^2 / 2 steps^2 - |I_i - I_j|^2 / 2 colour^2)``.
    C. Tomasi, R. Manduchi, "Bilateral filtering for gray and color images" (ICCV 1998), here over all frames.

    >>> filter_id(Bilateral())
    'pixels-bilateral'
    """

    name: ClassVar[str] = "pixels-bilateral"
    title: ClassVar[str] = "Pixels, bilateral filter"
    description: ClassVar[str] = (
        "The bilateral filter (Tomasi, Manduchi 1998). No weights, nothing learned: a pixel looks at pixels that are "
        "near and have its colour, and becomes their mean. Nearness is a part of the affinity, so it is only as "
        "non-local as the distance is set. The maps follow colour; they know no objects."
    )
    settings: ClassVar[Mapping[str, Setting]] = {
        "space": _SPACE,
        "colour": _COLOUR,
        "steps": _STEPS,
        "noise": NOISE,
    }
    blocks: ClassVar[Mapping[str, str]] = {"near-alike": "near, and of one colour"}

    space: float = 0.2
    colour: float = 0.1
    steps: float = 4.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        _check(self)

    def note(self, block: str) -> str:
        """Return the note that accompanies its maps."""
        return (
            f"{NO_WEIGHTS} Bilateral filter: how near and how alike in colour single pixels are; distance "
            f"{self.space:g}, frames {self.steps:g}, colour {self.colour:g}.{_noisy(self)}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DenseCrf:
    """The two kernels of the fully connected CRF, each divided by the sum of its row.

    Appearance: ``exp(-|p_i - p_j|^2 / 2 space^2 - dt^2 / 2 steps^2 - |I_i - I_j|^2 / 2 colour^2)``.
    Smoothness: ``exp(-|p_i - p_j|^2 / 2 near^2 - dt^2 / 2 steps^2)``.
    P. Kraehenbuehl, V. Koltun, "Efficient inference in fully connected CRFs with Gaussian edge potentials" (NIPS 2011),
    equation 3, here over all frames.

    >>> parse_filter("pixels-crf:near=0.1")
    DenseCrf(space=0.25, colour=0.06, near=0.1, steps=4.0, noise=0.0)
    """

    name: ClassVar[str] = "pixels-crf"
    title: ClassVar[str] = "Pixels, dense CRF"
    description: ClassVar[str] = (
        "The two kernels by which the labels of a fully connected CRF speak to each other (Krähenbühl, Koltun 2011; "
        "paper, section 2). No weights, nothing learned: one follows place and colour, the other place alone. A step "
        "of mean field lets every pixel gather the labels of all others by them. The maps follow colour; they know no "
        "objects, and no labels are shown here."
    )
    settings: ClassVar[Mapping[str, Setting]] = {
        "space": _SPACE,
        "colour": _COLOUR,
        "near": Setting(
            title="Nearness",
            least=0.03,
            most=1,
            step=0.01,
            words="Deviation of the smoothness kernel in the picture, in short sides of the frame.",
        ),
        "steps": _STEPS,
        "noise": NOISE,
    }
    blocks: ClassVar[Mapping[str, str]] = {
        "smoothness": "smoothness, by place alone",
        "appearance": "appearance, by place and colour",
    }

    space: float = 0.25
    colour: float = 0.06
    near: float = 0.04
    steps: float = 4.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        _check(self)

    def note(self, block: str) -> str:
        """Return the note that accompanies the maps of one kernel."""
        if block == "smoothness":
            how = f"how near pixels are, whatever they show; distance {self.near:g}"
        else:
            how = f"how near and how alike in colour pixels are; distance {self.space:g}, colour {self.colour:g}"
        return f"{NO_WEIGHTS} Dense CRF: {how}, frames {self.steps:g}. Each row is divided by its sum.{_noisy(self)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bm3d:
    """Block matching and 3D filtering, its first step: equal weight for each block of a pixel's stack, else 0.

    K. Dabov, A. Foi, V. Katkovnik, K. Egiazarian, "Image denoising by sparse 3-D transform-domain collaborative
    filtering" (IEEE TIP 2007), section III, here over all frames and without a search window. The row is the matching.
    The output is not a mean of the stack: coefficients below ``threshold`` deviations of the noise are set to zero
    (``bm3d.denoised``).

    >>> filter_id(Bm3d(noise=0.1, threshold=3))
    'pixels-bm3d:threshold=3:noise=0.1'
    """

    name: ClassVar[str] = "pixels-bm3d"
    title: ClassVar[str] = "Pixels, BM3D"
    description: ClassVar[str] = (
        "Block matching (Dabov, Foi, Katkovnik, Egiazarian 2007; paper, section 2). No weights, nothing learned: a "
        "pixel looks at the pixels around which the picture is most like the 8 x 8 pixels around it, in all frames, "
        "all or nothing: no softmax. The map shows the stack; the denoised picture comes of a threshold on its "
        "transform. The maps follow colour and texture; they know no objects."
    )
    settings: ClassVar[Mapping[str, Setting]] = {
        "threshold": Setting(
            title="Threshold",
            least=0,
            most=6,
            step=0.1,
            words="Coefficients of the stack's transform below so many deviations of the noise are set to zero.",
        ),
        "noise": NOISE,
    }
    blocks: ClassVar[Mapping[str, str]] = {"stack": "matched blocks"}

    threshold: float = THRESHOLD
    noise: float = 0.0

    def __post_init__(self) -> None:
        _check(self)

    def note(self, block: str) -> str:
        """Return the note that accompanies its maps."""
        return (
            f"{NO_WEIGHTS} BM3D's matching: the {STACK} most similar 8 x 8 blocks, equally far ones too, all of "
            f"one weight.{_noisy(self)}"
        )


WHOLE = frozenset({"patch"})
"""Settings that are whole numbers."""
GaussianFilter = NlMeans | Bilateral | DenseCrf
"""Filter over the pixels of a clip: y_i is the mean of all pixels, weighted by a Gaussian affinity to pixel i."""
AnyFilter = GaussianFilter | Bm3d
"""Filter over the pixels of a clip. ``name``: its id without settings; ``blocks``: the title of each affinity by its
name."""
FILTERS: tuple[type[AnyFilter], ...] = (NlMeans, Bm3d, Bilateral, DenseCrf)
"""All filters, in the order of menus."""


def filter_id(chosen: AnyFilter) -> str:
    """Return the id that opens a filter with these settings; defaults are left out."""
    given = {field.name: getattr(chosen, field.name) for field in fields(chosen)}
    usual = {field.name: field.default for field in fields(chosen)}
    listed = [f"{name}={value:.12g}" for name, value in given.items() if value != usual[name]]
    return ":".join([chosen.name, *listed])


def filter_title(model: str) -> str:
    """Return the title of a filter with its settings.

    >>> filter_title("pixels-nl-means:h=0.2:patch=7")
    'Pixels, non-local means · h 0.2, patch 7'
    """
    chosen = parse_filter(model)
    _, *listed = filter_id(chosen).split(":")
    return f"{chosen.title} · {', '.join(listed).replace('=', ' ')}" if listed else chosen.title


def is_filter(model: str) -> bool:
    """Return whether an id names a filter, with or without settings."""
    return filter_name(model) in {known.name for known in FILTERS}


def filter_name(model: str) -> str:
    """Return an id without its settings."""
    return model.partition(":")[0]


def parse_filter(model: str) -> AnyFilter:
    """Return the filter that an id names. Raises UnknownNameError, and SelectionError for a number out of bounds."""
    name, _, listed = model.partition(":")
    known = {each.name: each for each in FILTERS}
    if name not in known:
        raise UnknownNameError("filter", name, known)
    kind, given = known[name], dict[str, Any]()
    for part in filter(None, listed.split(":")):
        setting, _, text = part.partition("=")
        if setting not in kind.settings:
            raise UnknownNameError(f"setting of {name}", setting, kind.settings)
        try:
            number = float(text)
        except ValueError as fault:
            raise SelectionError(f"{setting} of {name} is a number; got {text[:40]!r}.") from fault
        if setting in WHOLE and not number.is_integer():
            raise SelectionError(f"{setting} of {name} is a whole number; got {text[:40]}.")
        given[setting] = int(number) if setting in WHOLE else number
    return kind(**given)


def _check(chosen: AnyFilter) -> None:
    for name, bounds in chosen.settings.items():
        value = getattr(chosen, name)
        if not (isinstance(value, int | float) and bounds.least <= value <= bounds.most):
            raise SelectionError(
                f"{name} of {chosen.name} goes from {bounds.least:g} to {bounds.most:g}; got {value!r}. "
                "Take a number between."
            )
    if isinstance(chosen, NlMeans) and chosen.patch % 2 != 1:
        raise SelectionError(
            f"A patch has a middle, so its side is an odd number of pixels; got {chosen.patch!r}. Take 3, 5 or 7."
        )


def _noisy(chosen: AnyFilter) -> str:
    if not chosen.noise:
        return ""
    return f" Noise of deviation {chosen.noise:g} was added to the pixels first; the picture shows them without."
