"""Facts of a step that need runs of the network, or as much work: measured once, for one position of one clip.

A file holds them as they were measured. The app measures them again for each place that the visitor asks.
"""

from collections.abc import Callable
from dataclasses import replace
from math import isinf

import numpy as np
from jaxtyping import Bool, UInt8

from nonlocal_core.ancestors.filters import Bm3d, NlMeans
from nonlocal_core.ancestors.matching import SIDE
from nonlocal_core.ancestors.network import PixelNetwork
from nonlocal_core.course.facts import COUNTS, FUNCTIONS, Bar, Bars, Choice, Fact, Picture, Pictures, Said, Table
from nonlocal_core.geometry import QueryGrid, spread
from nonlocal_core.look import LOOK, Heat, percent
from nonlocal_core.measures.ablation import changeable_blocks, class_changes, moved
from nonlocal_core.measures.costs import Cost, timed
from nonlocal_core.measures.faithfulness import Cut, Faithfulness, faithfulness_curve
from nonlocal_core.measures.filtered import (
    filtered,
    matched_stack,
    psnr,
    relative_estimate,
    relative_of,
    relative_title,
)
from nonlocal_core.measures.marks import CHANGES, Change, MarkAnswer, answers_marks, who_wore
from nonlocal_core.measures.pair_ranks import pair_ranks
from nonlocal_core.measures.receptive_field import Journey, ReceptiveField, journey, receptive_fields
from nonlocal_core.measures.strength import answer_at_strength
from nonlocal_core.measures.two_formulas import QUERIES, TwoFormulas, places
from nonlocal_core.media.marked import COLOURS, MARKS
from nonlocal_core.pin import Pin
from nonlocal_core.render import jpeg_address, paint, paint_mask, png_address
from nonlocal_core.session import Session
from nonlocal_core.vocabulary import Pairwise

STRENGTHS = (0.0, 0.5, 1.0, 1.5, 2.0)
"""Multiples of a block's learned addition that a file shows."""
RUNS = 3
"""Runs of the network for each random way of choosing keys; two other ways have one run each."""
CUT_TITLES: dict[Cut, str] = {
    "strongest": "its strongest",
    "random": "random ones",
    "colour": "of its own colour",
    "another row": "strongest of another position",
}
CHANGE_NAMES: dict[Change, str] = {
    "as it is": "As it is",
    "block off": "Block off",
    "strongest keys cut": "Keys cut",
    "marks swapped": "Swapped",
}
"""Labels of the buttons."""
CHANGE_TITLES: dict[Change, str] = {
    "as it is": "As it is",
    "block off": "Block off",
    "strongest keys cut": "Strongest keys cut",
    "marks swapped": "Marks swapped",
}
Tell = Callable[[int, int], None]


def strengths(session: Session, tell: Tell) -> tuple[Fact, ...]:
    """Return the network's answers while its first block that adds something adds more or less than it learned to.

    Raises the errors of ``answer_at_strength``.
    """
    block = next(iter(changeable_blocks(session)))
    found = {}
    for done, at in enumerate(STRENGTHS):
        found[at] = answer_at_strength(session, block, at)
        tell(done + 1, len(STRENGTHS))
    sets = tuple(
        (
            Bars(
                title=f"The answer at s = {at:g}",
                bars=tuple(
                    Bar(name=change.name, share=change.after, words=f"{100 * change.after:.1f} %")
                    for change in class_changes(found[1.0], answer)
                ),
                note=f"Probability that changed hands: {100 * moved(found[1.0], answer):.2f} %.",
            ),
        )
        for at, answer in found.items()
    )
    names = tuple(f"{at:g}" for at in STRENGTHS)
    title = f"s, times what {session.block(block).title} learned to add"
    return (Choice(title=title, names=names, sets=sets, first=STRENGTHS.index(1.0)),)


def marks(session: Session, pin: Pin, tell: Tell) -> tuple[Fact, ...]:
    """Return the network's answer to which mark was worn at a point, without a change and after each change.

    Raises the errors of ``who_wore``.
    """
    if not answers_marks(session):
        return (Said(text="Nobody wears a mark in these frames."),)
    found = {}
    for done, change in enumerate(CHANGES):
        found[change] = who_wore(session, frame=pin.frame, x=pin.x, y=pin.y, change=change)
        tell(done + 1, len(CHANGES))
    first = found[CHANGES[0]]
    sets = tuple(
        (Bars(title=verdict_on_marks(change, answer), bars=_chances(answer), note=done_to_marks(change, answer)),)
        for change, answer in found.items()
    )
    asked = f"Which mark did the {first.asked} wear in frame {first.marked_frame + 1}? Asked in frame {pin.frame + 1}."
    return (Choice(title=asked, names=tuple(CHANGE_NAMES[change] for change in CHANGES), sets=sets),)


def verdict_on_marks(change: Change, found: MarkAnswer) -> str:
    """Return the network's answer after a change, and whether it is right."""
    said = MARKS[int(found.answer.probabilities.argmax())]
    return f"{CHANGE_TITLES[change]}: {said}, {'right' if said == found.truth else 'wrong'}"


def done_to_marks(change: Change, found: MarkAnswer) -> str:
    """Return the effect of a change, in sentences."""
    match change:
        case "as it is":
            return "Nothing is changed. The heat is where it fetches this answer."
        case "block off":
            return "The block passes its input on. Nothing at this place tells the mark, so this is a guess."
        case "strongest keys cut":
            return (
                f"The {found.cut} cells that the heat shows, more than an even share each, may not be looked at. "
                "What is left is fetched elsewhere."
            )
        case "marks swapped":
            worn = ", ".join(f"{name} {mark}" for name, mark in found.worn.items())
            return f"Now worn: {worn}. The picture shows the marks before."


def _chances(found: MarkAnswer) -> tuple[Bar, ...]:
    return tuple(
        Bar(
            name=f"{mark}, worn" if mark == found.truth else mark,
            share=float(chance),
            words=f"{100 * chance:.0f} %",
            colour="#{:02x}{:02x}{:02x}".format(*COLOURS[index]),
        )
        for index, (mark, chance) in enumerate(zip(MARKS, found.answer.probabilities.tolist(), strict=True))
    )


def believed(session: Session, pin: Pin, tell: Tell) -> tuple[Fact, ...]:
    """Return whether the strongest keys of a point matter more than others, with the figures.

    Raises the errors of ``faithfulness_curve``.
    """
    known = changeable_blocks(session)
    named = session.block(pin.block)
    block = named if named.name in known else session.block(next(iter(known)))
    cell = block.query_grid.cell_at(frame=pin.frame, x=pin.x, y=pin.y)
    found = faithfulness_curve(session, block, cell, runs=RUNS, progress=tell)
    last = found[-1]
    head = ("keys cut", *CUT_TITLES.values())
    rows = [
        (
            f"{each.keys}, change of what {block.title} adds",
            *(f"{100 * each.added[cut].mean:.1f} %" for cut in CUT_TITLES),
        )
        for each in found
    ]
    rows.append(
        (
            f"{last.keys}, probability that moves in the answer",
            *(f"{100 * last.answer[cut].mean:.2f} %" for cut in CUT_TITLES),
        )
    )
    fails = not last.stands_out or last.moves_answer is False
    return (
        Said(text=f"{verdict(last)} {last.words}", failing=fails),
        Table(head=head, rows=tuple(rows)),
    )


def verdict(last: Faithfulness) -> str:
    """Return the verdict of a faithfulness test on a map, in a sentence."""
    if not last.stands_out:
        return "Do not believe this map."
    if last.moves_answer:
        return "This map passes, for what the block adds and for the answer."
    return "The map says what the block adds here. The answer does not rest on it more than on chance."


def timed_costs(tell: Tell) -> dict[tuple[Pairwise, int], Cost]:
    """Return the cost of the sums with and without the matrix, by function and number of positions, measured now."""
    every = [(pairwise, count) for pairwise in FUNCTIONS for count in COUNTS]
    found = {}
    for done, (pairwise, count) in enumerate(every):
        found[pairwise, count] = timed(pairwise, count)
        tell(done + 1, len(every))
    return found


def pixels(session: Session, pin: Pin) -> tuple[Fact, ...]:
    """Return a frame before and after a filter, and with noise also the outputs of BM3D and non-local means.

    Raises the errors of ``filtered``.
    """
    network = session.model.network
    assert isinstance(network, PixelNetwork)
    noise = network.filter.noise
    block = session.block(pin.block)
    found = filtered(session, frame=pin.frame, block=block.name)
    cell = block.query_grid.cell_at(frame=pin.frame, x=pin.x, y=pin.y)
    rows, cols = found.clean.shape[:2]
    ring = ((cell.x + 0.5) / cols, (cell.y + 0.5) / rows)
    before = ("With noise", found.before, found.psnr_before) if noise else ("As it is", found.clean, float("inf"))
    shown = [before, ("Filtered", found.after, found.psnr_after if noise else float("inf"))]
    if noise and isinstance(network.filter, NlMeans | Bm3d):
        relative = relative_of(network.filter)
        estimate = relative_estimate(session, relative, frame=pin.frame)
        shown.append((relative_title(relative), estimate, psnr(estimate, found.clean)))
    return (
        Pictures(
            title="What the rows make of the pixels",
            pictures=tuple(
                Picture(
                    address=png_address(values),
                    words=title if isinf(ratio) else f"{title}, PSNR {ratio:.1f} dB",
                    ring=ring,
                )
                for title, values, ratio in shown
            ),
        ),
    )


def matched(session: Session, pin: Pin) -> tuple[Fact, ...]:
    """Return the stack that BM3D matches to the block around a point. Raises the errors of ``matched_stack``."""
    found, clip = matched_stack(session, session.block().query_grid.cell_at(frame=pin.frame, x=pin.x, y=pin.y))
    pictures = tuple(
        Picture(
            address=png_address(clip[cell.t, cell.y : cell.y + SIDE, cell.x : cell.x + SIDE]),
            words=f"{float(distance) ** 0.5:.2f}",
        )
        for cell, distance in zip(found.cells, found.distances, strict=True)
    )
    return (Pictures(title="The stack of the asked block, with distances from it", pictures=pictures, small=True),)


def reached(session: Session, pin: Pin) -> tuple[Fact, ...]:
    """Return the receptive field of each layer at a point, and the steps of other operations to its strongest cell.

    Raises the errors of ``receptive_fields`` and ``query``.
    """
    found = receptive_fields(session, frame=pin.frame, x=pin.x, y=pin.y)
    pictures = tuple(
        Picture(
            address=jpeg_address(_with_field(session.frames.rgb[pin.frame], field)),
            words=f"{field.title}: half of it from {percent(field.half)} of the pixels",
            ring=(pin.x, pin.y),
        )
        for field in found
    )
    way = journey(session.query(frame=pin.frame, x=pin.x, y=pin.y, block=pin.block))
    return (
        Pictures(title="What each layer sees from the ringed place, by gradient", pictures=pictures),
        *(() if way is None else _journey_facts(way)),
    )


def _journey_facts(way: Journey) -> tuple[Fact, ...]:
    frames = f"{abs(way.frames)} frame{'s' * (abs(way.frames) != 1)}"
    cells = f"{way.cells} cell{'s' * (way.cells != 1)}"
    where = f"{frames} {'earlier' if way.frames > 0 else 'later'} and {cells} away" if way.frames else f"{cells} away"
    if way.frames < 0:
        recurrent = "never: it runs forward in time"
    else:
        recurrent = f"{way.frames}" + ", to its own place; sideways it does not move" * (way.cells > 0)
    return (
        Said(text=f"The strongest look from here, beyond the place itself, lies {where}. Steps that it takes:"),
        Table(
            head=("operation", "steps"),
            rows=(
                ("convolutions of 3 × 3 × 3, one behind the other", f"{way.convolutions}"),
                ("a recurrence over frames", recurrent),
                ("one non-local block", "1"),
            ),
        ),
    )


def attended(session: Session, pin: Pin, found: TwoFormulas) -> tuple[Fact, ...]:
    """Return a comparison of self-attention with the embedded Gaussian on this clip and on the asked row.

    ``found``: the comparison for the pin's block. Raises the errors of ``places``.
    """
    block, root = session.block(pin.block), f"1/√{found.channels}"
    as_it_is, scaled = (
        f"{places(block, frame=pin.frame, x=pin.x, y=pin.y, scale=scale):,.0f} cells"
        for scale in (block.scale, found.channels**-0.5)
    )
    return (
        Table(
            head=("formula", "scale", "the asked row is spread over"),
            rows=(
                (f"self-attention: softmax(QKᵀ/√{found.channels}) V, by PyTorch", root, scaled),
                ("embedded Gaussian with that scale: Q = θ, K = φ, V = g", root, scaled),
                ("embedded Gaussian as this block has it", f"{block.scale:g}", as_it_is),
            ),
        ),
        Said(
            text=f"Computed from the θ, φ and g of this clip, the first two differ at {QUERIES} positions by at most "
            f"{found.difference:.0e} of the output's range: rounding. Only the scale tells the third from them."
        ),
    )


def ranked(session: Session, other: Session, pin: Pin) -> tuple[Fact, ...]:
    """Return the places that a concatenation and an MLP over another network's features rank first, for two queries.

    Raises the errors of ``pair_ranks``.
    """
    features = other.block("stride16")
    found = pair_ranks(session.block(pin.block), features, frame=pin.frame, x=pin.x, y=pin.y)
    frame, grid = session.frames.rgb[pin.frame], features.query_grid
    places = {"For the asked place": found.asked, "For a place that is least like it": found.other}
    functions = {"Concatenation": found.concatenation, "Pair MLP": found.mlp}
    return (
        *(
            Pictures(
                title=f"{name}: the strongest tenth of this frame",
                pictures=tuple(
                    Picture(
                        address=jpeg_address(paint_mask(frame, _on_pixels(mask, frame, grid))),
                        words=place,
                        ring=grid.center(cell),
                    )
                    for (place, cell), mask in zip(places.items(), ranking.strongest, strict=True)
                ),
            )
            for name, ranking in functions.items()
        ),
        Table(
            head=("function", "two places of this frame rank two others in opposite order"),
            rows=(
                ("concatenation: a ReLU over a sum of two numbers", _times(found.concatenation.disagreement)),
                ("an MLP over each pair, as in Relation Networks", _times(found.mlp.disagreement)),
            ),
        ),
        Said(
            text="The MLP has one hidden layer over the features of the Gaussian, two units for each channel. Its "
            "weights were set to measure likeness, not learned."
        ),
    )


def _times(part: float) -> str:
    return f"{percent(part)} of the time" if part else "never"


def _on_pixels(
    mask: Bool[np.ndarray, "rows cols"], frame: UInt8[np.ndarray, "h w 3"], grid: QueryGrid
) -> Bool[np.ndarray, "h w"]:
    cells, _ = spread(mask.astype(np.float64), grid, size_hw=frame.shape[:2], smoothing="nearest")
    return np.asarray(cells > 0.5)


def _with_field(frame: UInt8[np.ndarray, "h w 3"], field: ReceptiveField) -> UInt8[np.ndarray, "h w 3"]:
    """Return a frame under a field drawn as heat, in multiples of an even field."""
    rows, cols = field.share.shape
    times = field.share[None] * field.share.size
    heat = Heat(times=times, tops=times.max(axis=(1, 2)), beyond=0.0, look=LOOK)
    return paint(frame, heat, 0, QueryGrid.over_clip(clip_frames=1, steps=1, rows=rows, cols=cols))


BESIDE: dict[str, Callable[[Session, Session, Pin], tuple[Fact, ...]]] = {
    "local": lambda _own, other, pin: reached(other, replace(pin, block="stride16")),
    "concatenation": ranked,
}
"""Measurements of a step on its own session and on that of another step (`Stage.measured_on`)."""
