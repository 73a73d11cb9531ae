"""The error tree: every error that this library raises on purpose.

::

    NonlocalError
    ├── MediaError (ValueError)         a file cannot be used as an image or a clip
    │   └── MediaLimitError             it is larger or longer than a named limit
    ├── SelectionError (ValueError)     the frames asked for do not exist in the clip
    ├── GeometryError (ValueError)      a grid, a cell or a point is impossible
    │   └── OutsideGridError            the point lies outside what the network saw
    ├── ShapeError (ValueError)         tensors that do not fit together
    ├── WeightsError (ValueError)       weights that are missing, damaged or of another network
    ├── UnknownNameError (ValueError)   a model, block, scope, format … that does not exist
    ├── CaptureError                    a block could not be read, or its reading could not be proved
    ├── DeviceMemoryError               the forward pass does not fit in the memory of the device
    ├── BundleError (ValueError)        bytes that are not a bundle of this version
    ├── RenderError (ValueError)        a picture that cannot be drawn as asked
    ├── ClassError (ValueError)         a class that is not held, or has no room
    ├── SurveyError (ValueError)        a survey that cannot be begun, gone on with or read
    ├── SiteError                       a page of static files cannot be written
    └── ScriptError                     scripts of the viewer that cannot be joined into one

A message has three parts: what was expected, what came, what to do next.
"""

from collections.abc import Iterable

LONGEST_NAME = 80
"""Characters of a name that is not known, in a message: it may come from a link, and have any number of them."""


class NonlocalError(Exception):
    """Root of every error raised on purpose; catch it to show one sentence to a person."""


class MediaError(NonlocalError, ValueError):
    """A file cannot be read as an image or a clip."""


class MediaLimitError(MediaError):
    """A file is larger, longer or wider than a named limit allows."""


class SelectionError(NonlocalError, ValueError):
    """The frames that were asked for do not exist in the clip."""


class GeometryError(NonlocalError, ValueError):
    """A grid, a cell or a point is impossible."""


class OutsideGridError(GeometryError):
    """A point lies outside the part of the frame that the network saw."""


class ShapeError(NonlocalError, ValueError):
    """The shapes of tensors do not fit together."""


class WeightsError(NonlocalError, ValueError):
    """Weights are missing, damaged, or belong to another network."""


class UnknownNameError(NonlocalError, ValueError):
    """A name was not one of the known ones; the message lists them all."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.known = tuple(known)
        listed = ", ".join(self.known) or "none"
        shown = repr(name) if len(repr(name)) <= LONGEST_NAME else f"{repr(name)[:LONGEST_NAME]}…"
        super().__init__(f"There is no {kind} called {shown}. Choose one of: {listed}.")


class CaptureError(NonlocalError):
    """A block could not be read, or the reading could not be proved."""


class DeviceMemoryError(NonlocalError):
    """The forward pass does not fit in the memory of the device."""


class BundleError(NonlocalError, ValueError):
    """Bytes are not a bundle of this version."""


class RenderError(NonlocalError, ValueError):
    """A picture cannot be drawn as asked."""


class ClassError(NonlocalError, ValueError):
    """A class of readers is not held, or is full."""


class SurveyError(NonlocalError, ValueError):
    """A survey of many clips cannot be started, resumed or read."""


class SiteError(NonlocalError):
    """A page of static files cannot be written."""


class ScriptError(NonlocalError):
    """Scripts of the viewer cannot be joined into one."""
