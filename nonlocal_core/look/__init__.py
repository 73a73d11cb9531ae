"""The look of heat, defined once: palettes, curves, opacity, photographs, words. Screen and files read it from here."""

import lazy_loader

# As the package's own door: the stub lists the names, and a link is read without waiting for NumPy.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
