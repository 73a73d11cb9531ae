"""Weights: the catalog of models, and the verified reading of checkpoint files."""

import lazy_loader

# As the package's own door: the stub lists the names, and the catalog is read without waiting for torch.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
