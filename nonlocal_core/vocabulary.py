"""The words that the whole library shares: axis letters and closed choices.

Axis letters, as written in shape annotations::

    B   clips in a batch                 T, H, W   steps, rows, columns of a grid
    C   channels of the feature map      Ci        channels of theta, phi and g (C' in the paper)
    Nq  query positions, T*H*W           Nk        key positions; fewer than Nq when keys are pooled

A step is one cell of a grid along time; it stands for one frame of the clip or for several consecutive ones.
Points are (x, y) in [0, 1] of the frame as shown; sizes are (H, W); grids and cells are (T, H, W).
"""

from collections.abc import Callable
from typing import Literal, get_args

Progress = Callable[[str, int, int], None]
"""Listener of progress, called with the name of the work, the number of steps done and the total."""

SAMPLE_PREFIX = "sample:"
"""Prefix of the id of a clip that came with the installation."""

FIRST_VISIT = "NONLOCAL_FIRST_VISIT"
"""Environment variable with the choices that the server's first page opens; `app.server.visit` reads it."""

SURVEYED = "NONLOCAL_SURVEY"
"""Environment variable with the folder of the survey that the server shows; `app.server.surveyed` reads it."""

Pairwise = Literal["gaussian", "embedded_gaussian", "dot_product", "concatenation"]
"""The pairwise function f of equation 1; section 3.2 of the paper defines the four."""

Rule = Literal["gaussian", "embedded_gaussian", "dot_product", "concatenation", "matched"]
"""Rule for the weights of a row: a pairwise function, or BM3D's matching, all or nothing."""

Scope = Literal["spacetime", "space", "time"]
"""Keys that a query may attend to: all, those of its own step, or those over its own position (table 2d)."""

Direction = Literal["row", "column"]
"""Direction of a question: the row of a position, or its column."""

WeightStatus = Literal["trained", "untrained", "parameter_free"]
"""State of the weights: learned, still at their initial values, or none to learn."""

PAIRWISE: tuple[Pairwise, ...] = get_args(Pairwise)
"""The four pairwise functions, in the order of the paper."""
SOFTMAX: frozenset[Pairwise] = frozenset({"gaussian", "embedded_gaussian"})
"""The functions whose C(x) makes a row a softmax: weights that sum to 1 (section 3.2)."""
RULES: tuple[Rule, ...] = get_args(Rule)
SUMMED: frozenset[Rule] = SOFTMAX | {"matched"}
"""The rules whose rows are divided by their own sum, which a column needs."""
SCOPES: tuple[Scope, ...] = get_args(Scope)
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)

RULE_TITLES: dict[Rule, str] = {
    "gaussian": "Gaussian",
    "embedded_gaussian": "Embedded Gaussian",
    "dot_product": "Dot product",
    "concatenation": "Concatenation",
    "matched": "Matching",
}

MOST_SIDES = 6
"""Maximum number of answers side by side in a comparison."""
