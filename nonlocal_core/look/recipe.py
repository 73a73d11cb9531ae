"""Recipe for the viewer to draw as in files: every constant and colour of the look, as JSON."""

from nonlocal_core.look.bars import DWARFED, SECOND
from nonlocal_core.look.choices import ARROWS, ARROWS_ON_A_STILL, LOOK, MOST_ARROWS
from nonlocal_core.look.heat import ARROW_LEAST, ARROW_TONE, EVEN, FAINT, LEAST_TOP, NEARLY_EVEN, TICKS, TICKS_APART
from nonlocal_core.look.palette import COLD, PIN_TONE, PINS, WARM
from nonlocal_core.look.photograph import KEPT_COLOUR, LUMINANCE


def recipe() -> dict[str, object]:
    """Return the look in a bundle's form. Ramps are hexadecimal, six digits a tone."""
    return {
        "warm": WARM.tobytes().hex(),
        "cold": COLD.tobytes().hex(),
        "pins": [ramp.tobytes().hex() for ramp in PINS],
        "pin_tone": PIN_TONE,
        "even": EVEN,
        "least_top": dict(LEAST_TOP),
        "faint": FAINT,
        "nearly_even": NEARLY_EVEN,
        "kept_colour": KEPT_COLOUR,
        "luminance": list(LUMINANCE),
        "arrows": [ARROWS, ARROWS_ON_A_STILL],
        "most_arrows": MOST_ARROWS,
        "arrow_least": ARROW_LEAST,
        "arrow_tone": ARROW_TONE,
        "ticks": list(TICKS),
        "ticks_apart": TICKS_APART,
        "dwarfed": DWARFED,
        "second": SECOND,
        "strength": LOOK.strength,
    }
