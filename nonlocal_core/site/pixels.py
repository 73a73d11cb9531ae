"""Settings of filters over pixels for a page, from which ``viewer/model/pixel_tables.js`` makes theta and phi."""

from nonlocal_core.ancestors.filters import AnyFilter, Bilateral, DenseCrf, NlMeans, filter_id
from nonlocal_core.ancestors.network import MOST_POSITIONS
from nonlocal_core.errors import SiteError

Settings = dict[str, float | None]
"""Settings of the compared patches or places, by the page's names for them."""


def page_filter(chosen: AnyFilter) -> dict[str, object]:
    """Return the settings of each affinity of a filter, by name, and the maximum number of cells of its grid.

    >>> page_filter(NlMeans())["vectors"]
    {'patches': {'patch': 5, 'h': 0.1}}

    Raises SiteError for a filter that a page cannot run.
    """
    if chosen.noise:
        raise SiteError(
            f"A page adds no noise to pixels, since it would not be that of Python; got {filter_id(chosen)}. Leave the "
            "noise out."
        )
    match chosen:
        case NlMeans(patch=patch, h=h):
            vectors: dict[str, Settings] = {"patches": {"patch": patch, "h": h}}
        case Bilateral(space=space, steps=steps, colour=colour):
            vectors = {"near-alike": {"space": space, "steps": steps, "colour": colour}}
        case DenseCrf(space=space, steps=steps, colour=colour, near=near):
            vectors = {
                "smoothness": {"space": near, "steps": steps, "colour": None},
                "appearance": {"space": space, "steps": steps, "colour": colour},
            }
        case _:
            raise SiteError(
                f"A page has no search for the stacks of {filter_id(chosen)}. Save an answer of it as a live page "
                "instead: nonlocal-viewer render --out page.html."
            )
    return {"most": MOST_POSITIONS, "vectors": vectors}
