"""The five charts: the paper's tables with their figures, the corresponding variants, and the claims.

Figures of the paper: Wang, Girshick, Gupta, He, "Non-local Neural Networks" (CVPR 2018), tables 2a to 2e, top-1
accuracy on Kinetics in percent.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A variant with the paper's figure for its counterpart, if there is one."""

    variant: str
    title: str
    paper: float | None = None
    paper_words: str = ""
    """Name of the counterpart, if it differs from the title."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A claim of the paper, and the two variants that decide it here.

    ``kind``: whether the first is claimed to be ``better`` than the second, or ``alike``. ``reason``: the reason why it
    does not hold here, as far as that was measured; names in braces are figures of variants, filled in from the runs.
    """

    words: str
    first: str
    second: str
    kind: Literal["better", "alike"] = "better"
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A table of the paper, measured again."""

    number: str
    title: str
    bars: tuple[Bar, ...]
    claims: tuple[Claim, ...]
    says: str
    """Claims that the chart allows, and claims that it does not."""


CHARTS = (
    Chart(
        number="2a",
        title="Which function compares?",
        bars=(
            Bar(variant="none", title="no block", paper=71.8),
            Bar(variant="gaussian", title="Gaussian", paper=72.5),
            Bar(variant="embedded_gaussian", title="embedded Gaussian", paper=72.7),
            Bar(variant="dot_product", title="dot product", paper=72.9),
            Bar(variant="concatenation", title="concatenation", paper=72.8),
        ),
        claims=(
            Claim(words="One block is better than none.", first="embedded_gaussian", second="none"),
            Claim(
                words="Which of the four it is matters little.",
                first="embedded_gaussian",
                second="concatenation",
                kind="alike",
                reason=(
                    "Concatenation ranks all keys alike for every query, so it cannot tell whose "
                    "mark is asked for: its "
                    "rows put {concatenation.looks.marked} of their weight on the object where it wore its mark, "
                    "{concatenation.looks.others} on the two others there. The other three win {gaussian.won}, "
                    "{embedded_gaussian.won} and {dot_product.won}."
                ),
            ),
        ),
        says="It says which functions can fetch by likeness. It does not say which is best for naming actions.",
    ),
    Chart(
        number="2b",
        title="At which stage?",
        bars=(
            Bar(variant="stride8", title="stride 8", paper=72.9, paper_words="res3"),
            Bar(variant="embedded_gaussian", title="stride 16", paper=72.7, paper_words="res4"),
            Bar(variant="stride32", title="stride 32", paper=72.3, paper_words="res5"),
        ),
        claims=(
            Claim(words="The last stage gains less than the one before.", first="embedded_gaussian", second="stride32"),
            Claim(
                words="The two stages before it gain alike.",
                first="embedded_gaussian",
                second="stride8",
                kind="alike",
                reason=(
                    "At stride 8 rows put {stride8.looks.others} of their weight on the other two "
                    "objects in the frame of "
                    "marks, at stride 16 {embedded_gaussian.looks.others}: likeness confuses objects more often there."
                ),
            ),
        ),
        says=(
            "It says at which layer of this trunk likeness tells objects apart; every object covers a cell at each "
            "stride. It does not say where a block helps a network that is trained with it."
        ),
    ),
    Chart(
        number="2c",
        title="How many blocks?",
        bars=(
            Bar(variant="embedded_gaussian", title="one hop: 1 block", paper=72.7, paper_words="1 block"),
            Bar(variant="blocks2", title="one hop: 2 blocks", paper=73.8, paper_words="5 blocks"),
            Bar(variant="blocks4", title="one hop: 4 blocks", paper=74.3, paper_words="10 blocks"),
            Bar(variant="hops2-blocks1", title="two hops: 1 block", paper=72.7, paper_words="1 block"),
            Bar(variant="hops2-blocks2", title="two hops: 2 blocks", paper=73.8, paper_words="5 blocks"),
            Bar(variant="hops2-blocks4", title="two hops: 4 blocks", paper=74.3, paper_words="10 blocks"),
        ),
        claims=(
            Claim(
                words="More blocks are better (where a question takes two hops).",
                first="hops2-blocks2",
                second="hops2-blocks1",
            ),
            Claim(
                words="More blocks are better (four against two, where a question takes two hops).",
                first="hops2-blocks4",
                second="hops2-blocks2",
                reason="Two blocks already win {hops2-blocks2.won}, so little is left for a third and a fourth.",
            ),
            Claim(
                words="More blocks are better (where one hop is enough).",
                first="blocks2",
                second="embedded_gaussian",
                reason="One block already wins {embedded_gaussian.won}, so little is left for a second.",
            ),
        ),
        says=(
            "It says that a second block is needed where one look depends on the result of another. "
            "It does not say how "
            "many an action needs. Chance is 1/2 for two hops, 1/3 for one."
        ),
    ),
    Chart(
        number="2d",
        title="Space, time, or both?",
        bars=(
            Bar(variant="space", title="space", paper=72.9),
            Bar(variant="time", title="time", paper=73.1),
            Bar(variant="embedded_gaussian", title="spacetime", paper=73.8),
        ),
        claims=(
            Claim(words="Both are better than space alone.", first="embedded_gaussian", second="space"),
            Claim(words="Both are better than time alone.", first="embedded_gaussian", second="time"),
        ),
        says=(
            "It says that what moves is found by looking at all places of all frames; space alone is at chance by "
            "construction, since the mark is in another frame. It does not say how much of an action lies in time."
        ),
    ),
    Chart(
        number="2e",
        title="Against convolutions",
        bars=(
            Bar(variant="conv311", title="3 × 1 × 1", paper=74.4, paper_words="I3D, R101"),
            Bar(variant="conv333", title="3 × 3 × 3", paper=74.1, paper_words="I3D, R101"),
            Bar(variant="conv311-stacked", title="3 of 3 × 1 × 1 in a row"),
            Bar(variant="conv333-stacked", title="13 of 3 × 3 × 3 in a row"),
            Bar(variant="embedded_gaussian", title="non-local block", paper=75.1, paper_words="5 blocks, R101"),
        ),
        claims=(
            Claim(words="The block is better than 3 × 1 × 1.", first="embedded_gaussian", second="conv311"),
            Claim(words="The block is better than 3 × 3 × 3.", first="embedded_gaussian", second="conv333"),
            Claim(
                words="The block is better than a row of convolutions that sees the whole clip (not in the paper).",
                first="embedded_gaussian",
                second="conv333-stacked",
            ),
        ),
        says=(
            "It says what convolutions fetch with as many weights as the block: one, next to nothing from two or three "
            "frames away; thirteen in a row, of eleven channels each, which see the whole clip, less the farther the "
            "mark. It does not say what wider ones do, nor that they are worse at motion nearby."
        ),
    ),
)

CONTROLS = ("uniform", "wrong", "blind", "paper_start", "paper_start-patient")
"""Variants beyond the paper's tables."""
