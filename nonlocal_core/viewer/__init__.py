"""The viewer: one script and one style sheet for a Streamlit page, and the same as one HTML file without a server."""

import lazy_loader

# As the package's own door: the stub lists the names, and a page gets the script without waiting for the export.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
