"""Addresses of clips: paths, samples, and anything that fsspec opens."""

from importlib import import_module
from typing import Any

from nonlocal_core.errors import MediaError, SurveyError
from nonlocal_core.media import Limits
from nonlocal_core.vocabulary import SAMPLE_PREFIX


def is_remote(address: str) -> bool:
    """Return whether an address is not a path: one of fsspec, or a sample's id.

    >>> is_remote("s3://bucket/clip.mp4"), is_remote("sample:coffee"), is_remote("clips/a.mp4")
    (True, True, False)
    """
    return "://" in address or address.startswith(SAMPLE_PREFIX)


def files_below(address: str) -> tuple[str, ...]:
    """Return the sorted addresses of all files below a folder of fsspec. Raises SurveyError."""
    opener = _fsspec().core
    try:
        system, path = opener.url_to_fs(address)
        return tuple(sorted(system.unstrip_protocol(found) for found in system.find(path)))
    except (OSError, ValueError, ImportError) as fault:
        raise SurveyError(f"{address} cannot be listed: {fault}. Check the address and the rights.") from fault


def read_bytes(address: str, limits: Limits) -> bytes:
    """Return the bytes at an address of fsspec. Raises MediaError, and MediaLimitError before too many are read."""
    opener = _fsspec().core
    try:
        system, path = opener.url_to_fs(address)
        size = int(system.size(path) or 0)
        content: bytes = system.cat_file(path) if size <= limits.max_bytes else b""
    except (OSError, ValueError, ImportError) as fault:
        raise MediaError(f"{address} cannot be read: {fault}. Check the address and the rights.") from fault
    limits.check_bytes(address, size)
    return content


def _fsspec() -> Any:
    try:
        import_module("fsspec.core")
        return import_module("fsspec")
    except ImportError as fault:
        raise SurveyError(
            "Addresses beside paths are read by fsspec, which this environment does not have. "
            "Install it: pip install 'nonlocal-viewer[survey]'."
        ) from fault
