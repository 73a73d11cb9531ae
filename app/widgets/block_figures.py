"""Figures of a block over its clip, each with its meaning and limits: of an open clip, and of a page that was saved."""

import streamlit as st

from nonlocal_core import BlockCapture
from nonlocal_core.look import percent, unbroken
from nonlocal_core.measures import BlockMeasures


def draw(block: BlockCapture, measured: BlockMeasures, *, adds: bool) -> None:
    """Draw the block's numbers, each with its meaning and limits.

    ``adds``: whether the block adds to its input; a filter replaces it.
    """
    effect = block.mean_effect
    together = ", all heads together" if block.is_of_heads else ""
    unknown = "none" if block.adds_nothing else "not known"
    cards: tuple[tuple[str, str, str], ...] = (
        (
            "Change of its input",
            unknown if effect is None else percent(effect),
            f"Size of what the block adds{together}, measured against what it is added to (|W_z y| / |x|). Not how "
            "much the answer changes: see below.",
        ),
        (
            "Each looks elsewhere",
            f"{measured.query_dependence:.3f} of 0.5",
            "0: all positions look at the same places. 0.5: no two share any. Not whether these are the right ones. "
            "Known as query dependence.",
        ),
        (
            "Places looked at",
            f"{measured.effective_keys:,.0f} of {measured.key_count:,}",
            "So many places, each with the same weight, would be as spread out as a position's look is (exponential of "
            "the entropy). Few is sharp, not necessarily correct.",
        ),
        (
            "Stays on itself",
            percent(measured.own_cell_share),
            "Weight on the very place that asks. Near 100 % it sees itself and nothing else.",
        ),
        (
            "Stays in its own frame",
            percent(measured.own_step_share),
            f"Evenly spread it would be {percent(1 / block.key_grid.steps)}. Says how much crosses time, not why.",
        ),
        (
            "Reach in the picture",
            f"{percent(measured.distance)} of the diagonal",
            "Mean distance to what is looked at. A far look can follow an object, or the background.",
        ),
        (
            "Reach in time",
            f"{measured.frames_away:.1f} frames",
            f"{measured.seconds_away:.2g} s on average. A clip of alike frames reaches far without any motion.",
        ),
    )
    cards = cards if adds else cards[1:]
    if block.key_grid.steps == 1:
        cards = tuple(card for card in cards if card[0] not in ("Stays in its own frame", "Reach in time"))
    with st.container(key="figures"):  # page.css sets as many of them side by side as there is room for
        for title, value, meaning in cards:
            with st.container(border=True, height="stretch", gap="xsmall"):
                st.metric(title, unbroken(value))
                st.caption(unbroken(meaning))
    every = block.query_grid.size
    sampled = f"Means over all {every:,} positions."
    if measured.query_count < every:
        sampled = f"Means over {measured.query_count:,} of {every:,} positions, drawn with a fixed seed."
    silent = f" {measured.silent_count} of them give no weight at all." if measured.silent_count else ""
    st.caption(f"{sampled}{silent} Query dependence: Cao et al., GCNet (2019), section 3.2.")
