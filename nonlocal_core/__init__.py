"""Interactive attention of non-local neural networks: open a clip with a network, then ask where any position looks.

>>> from nonlocal_core import Session
>>> session = Session.open("sample:chelsea")
>>> session.query(frame=0, x=0.45, y=0.4).top(1)[0].times_uniform > 1
True
"""

from importlib.metadata import PackageNotFoundError, version

import lazy_loader

# The stub beside this file lists the names. Each is imported when it is first used: reading frames waits for no torch.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

try:
    __version__ = version("nonlocal-viewer")
except PackageNotFoundError:  # a checkout on the path, which nobody installed
    __version__ = "0+unknown"
