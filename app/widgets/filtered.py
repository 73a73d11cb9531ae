"""A filter's sliders, and its effect on the pixels, beside the viewer."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from html import escape
from math import isinf

import numpy as np
import streamlit as st

from nonlocal_core import NonlocalError, Pin
from nonlocal_core.ancestors.filters import AnyFilter, Bm3d, NlMeans, filter_id, parse_filter
from nonlocal_core.measures.filtered import (
    H_OF_NOISE,
    Filtered,
    filtered,
    psnr,
    relative_estimate,
    relative_of,
    relative_title,
)
from nonlocal_core.render import png_address

from ..server import visit
from ..server.memory import remembered
from ..server.opened import OpenedClip
from ..server.visit import Choices
from . import facts, unmarked


def tell(opened: OpenedClip, choices: Choices, pin: Pin | None) -> None:
    """Draw the sliders and the pictures; moving a slider opens the clip anew, with the pin in place."""
    if visit.current().model != choices.model:
        st.rerun()
    chosen = parse_filter(choices.model)

    def keep(moved: AnyFilter) -> None:
        visit.update(model=filter_id(moved), pin=visit.current().pin)

    with st.container(key="filter"):
        sliders(lambda: parse_filter(visit.current().model), chosen.settings, keep)
        pictures(opened, chosen, pin, has_noise_slider="noise" in chosen.settings)


def sliders(read: Callable[[], AnyFilter], names: Iterable[str], keep: Callable[[AnyFilter], None]) -> None:
    """Draw sliders for some settings; ``read`` returns the current filter, ``keep`` stores it when it is changed."""
    with st.container(key="filter-settings"):
        for name in names:
            _slider(read, name, keep)


def pictures(
    opened: OpenedClip, chosen: AnyFilter, pin: Pin | None, *, has_noise_slider: bool, beside: bool = True
) -> None:
    """Draw the frame of the pin before and after. ``beside``: with noise, also BM3D next to non-local means."""
    session = opened.session
    asked = pin or session.first_question()
    try:
        block = session.block(asked.block)
        found = remembered(
            (opened.token, "filtered", asked.frame, block.name),
            "Filtering the frame",
            lambda _tell: filtered(session, frame=asked.frame, block=block.name),
        )
        cell = block.query_grid.cell_at(frame=asked.frame, x=asked.x, y=asked.y)
        st.html(_pictures(found, (cell.y, cell.x), chosen, has_noise_slider=has_noise_slider))
        if beside and chosen.noise and isinstance(chosen, NlMeans | Bm3d):
            _beside(opened, chosen, found, (asked.frame, cell.y, cell.x))
    except NonlocalError as error:
        unmarked.hint(error)


def _beside(opened: OpenedClip, chosen: NlMeans | Bm3d, found: Filtered, cell_tyx: tuple[int, int, int]) -> None:
    """Draw the result of the other of the two filters for the same noise."""
    frame, *cell_yx = cell_tyx
    relative = relative_of(chosen)
    if isinstance(chosen, NlMeans):
        title = "A relative that takes the best"
        said = (
            "BM3D (Dabov et al. 2007) stacks the 16 blocks that are most alike, in all frames, and keeps what they "
            "share. All or nothing: no softmax. It is told how strong the noise is. Its stacks are the network Pixels, "
            "BM3D."
        )
    else:
        title = "A relative that takes all"
        said = (
            "Non-local means (Buades, Coll, Morel 2005) takes the mean of all pixels of the clip, the more alike the "
            f"more weight; h is {H_OF_NOISE:g} times the noise. Its weights are the network Pixels, non-local means."
        )
    estimate = remembered(
        (opened.token, "relative", relative, frame),
        "Filtering the same noise otherwise",
        lambda _tell: relative_estimate(opened.session, relative, frame=frame),
    )
    figure = _figure(relative_title(relative), estimate, psnr(estimate, found.clean), (cell_yx[0], cell_yx[1]))
    st.html(f"<section class='nlv-filtered'><h2>{title}</h2><div>{figure}</div><p>{said}</p></section>")


def _slider(read: Callable[[], AnyFilter], name: str, keep: Callable[[AnyFilter], None]) -> None:
    chosen = read()
    key, value, bounds = f"{chosen.name}-{name}", getattr(chosen, name), chosen.settings[name]
    kind = int if isinstance(value, int) else float
    if st.session_state.get(key) != value:  # a link, or another filter before this one
        st.session_state[key] = value
    st.slider(
        bounds.title,
        kind(bounds.least),
        kind(bounds.most),
        step=kind(bounds.step),
        key=key,
        on_change=lambda: keep(replace(read(), **{name: round(st.session_state[key], 4)})),
        help=bounds.words,
    )


def _pictures(found: Filtered, cell_yx: tuple[int, int], chosen: AnyFilter, *, has_noise_slider: bool) -> str:
    """Return the frame before and after, with the asked pixel ringed, and that pixel's colours."""
    noise = chosen.noise
    matches = isinstance(chosen, Bm3d)
    title = f"What the {'stacks' if matches else 'rows'} make of the pixels"
    makes = (
        "The stack of each block is transformed, coefficients below the threshold are set to zero, and what is left "
        "votes for every pixel that the stack covers."
        if matches
        else "Each pixel becomes the mean of all pixels of the clip, weighed by its row."
    )
    noisy = {"With noise": (found.before, found.psnr_before)} if noise else {"As it is": (found.clean, float("inf"))}
    shown = noisy | {"Filtered": (found.after, found.psnr_after if noise else float("inf"))}
    figures = "".join(_figure(title, values, ratio, cell_yx) for title, (values, ratio) in shown.items())
    gain = found.psnr_after - found.psnr_before
    said = (
        f"The filter changes the ratio by {gain:+.1f} dB, against the pixels without noise. "
        if noise
        else "Move Noise to see what the filter takes away again. " * has_noise_slider
    )
    parts = ({"as it is": found.clean} | ({"with noise": found.before} if noise else {})) | {"filtered": found.after}
    pixel = "".join(
        f"<span><i style='background:{_css(each[cell_yx])}'></i>{name}</span>" for name, each in parts.items()
    )
    rows, cols = found.clean.shape[:2]
    return (
        f"<section class='nlv-filtered'><h2>{title}</h2><div>{figures}</div>"
        f"<p class='nlv-pixel'><b>The asked pixel</b>{pixel}</p>"
        f"<p>{makes} {escape(said)}"
        f"The grid has {rows} × {cols} pixels a frame.</p></section>"
    )


def _figure(title: str, values: np.ndarray, ratio: float, cell_yx: tuple[int, int]) -> str:
    rows, cols = values.shape[:2]
    y, x = cell_yx
    words = title if isinf(ratio) else f"{title}, PSNR {ratio:.1f} dB"
    return facts.figure(png_address(values), words, ((x + 0.5) / cols, (y + 0.5) / rows))


def _css(colour: np.ndarray) -> str:
    red, green, blue = (round(255 * float(part)) for part in np.clip(colour, 0, 1))
    return f"rgb({red},{green},{blue})"
