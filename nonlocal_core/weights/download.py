"""Download of a published checkpoint: it resumes after an interruption, is verified, and never appears half-done."""

import hashlib
import shutil
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from socket import gaierror
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from nonlocal_core.errors import WeightsError
from nonlocal_core.weights.cache import cache_folder, find_pin, locked
from nonlocal_core.weights.cards import PublishedCard
from nonlocal_core.weights.partial import PartialDownload

Progress = Callable[[int, int | None], None]
"""Listener of progress, called with the bytes received and the total, or None if the server does not say."""

_CHUNK_BYTES = 1 << 18
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_GONE = frozenset({401, 403, 404, 410})


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadLimits:
    """Limits of a download."""

    max_bytes: int = 2 << 30
    spare_disk_bytes: int = 256 << 20
    """Bytes that stay free on the disk."""
    timeout_seconds: float = 30.0
    """Silence after which the connection counts as broken."""


_DEFAULT_LIMITS = DownloadLimits()


class _BrokenOffError(WeightsError):
    """The connection failed. The received part is kept, and the next download resumes there."""


def download(
    card: PublishedCard,
    *,
    progress: Progress | None = None,
    cache_dir: Path | None = None,
    limits: DownloadLimits = _DEFAULT_LIMITS,
) -> Path:
    """Return the path of the checkpoint's file, after downloading it if it is missing.

    An interrupted download resumes where it stopped. The file is compared with the published hash and with the pin of
    its first load, and removed if it differs. Raises WeightsError, with the remedy, for a lost connection, a missing
    file, a full disk, or a file other than the published one.
    """
    if card.url is None:
        raise WeightsError(f"Nobody hosts {card.id}. {card.note}")
    cache = cache_folder(cache_dir)
    path = downloaded_path(card, cache)
    partial = PartialDownload(path)
    with locked(cache, card.id):
        try:
            if not path.is_file():
                _fetch(card.url, partial, cache=cache, progress=progress, limits=limits)
                _verify(card, partial.path, cache)
                partial.complete()
            else:
                _verify(card, path, cache)
        except _BrokenOffError:
            raise
        except WeightsError:
            partial.discard()
            raise
    return path


def downloaded_path(card: PublishedCard, cache: Path) -> Path:
    """Return the path of the checkpoint's file, whether or not it exists."""
    return cache / "files" / card.id / card.file_name


def file_digest(path: Path, algorithm: str = "sha256") -> str:
    """Return the hash of a file, in hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


def _fetch(
    url: str, partial: PartialDownload, *, cache: Path, progress: Progress | None, limits: DownloadLimits
) -> None:
    host = urlsplit(url).hostname
    try:
        with _open(url, partial, limits) as response:
            offset, total = partial.accept(response), partial.total(response)
            _check_space(offset, total, cache, limits)
            _receive(response, partial, offset, total, progress=progress, limits=limits)
    except HTTPError as fault:
        fault.close()
        if fault.code in _GONE:
            raise WeightsError(f"{host} answers {fault.code}: {url} was moved, removed or closed.") from fault
        raise _BrokenOffError(f"{host} answers {fault.code} ({fault.reason}). Try again later.") from fault
    except URLError as fault:
        raise _BrokenOffError(
            f"{_no_connection(fault.reason, str(host))} Or fetch {url} elsewhere and put it at {partial.final}."
        ) from fault
    except (HTTPException, TimeoutError, ConnectionError, ssl.SSLError) as fault:
        raise _BrokenOffError(
            f"The download of {url} broke off after {partial.byte_count:,} bytes. Start it again: it goes on there."
        ) from fault
    except OSError as fault:
        raise WeightsError(f"{partial.path} cannot be written: {fault.strerror or fault}.") from fault


def _no_connection(reason: object, host: str) -> str:
    match reason:
        case gaierror():
            return f"The address of {host} was not found: this machine is offline, or the host is gone."
        case ssl.SSLError():
            return f"The connection to {host} is not secure ({reason.reason or reason}), so nothing was fetched."
        case TimeoutError():
            return f"{host} does not answer. Try again later."
        case ConnectionRefusedError():
            return f"{host} refuses the connection. Try again later."
        case _:
            return f"There is no connection to {host} ({reason}). Try again when there is."


class _SecureRedirects(HTTPRedirectHandler):
    """Handler that follows redirects to https addresses only."""

    def redirect_request(
        self, req: Request, fp: Any, code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        """Return the redirected request. Raises WeightsError if its address is not https."""
        try:
            _check_address(newurl)
        except WeightsError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _open(url: str, partial: PartialDownload, limits: DownloadLimits) -> HTTPResponse:
    """Return the response to a request for the missing bytes, or for all if the server cannot resume."""
    _check_address(url)
    headers = {"User-Agent": "nonlocal-viewer", "Accept-Encoding": "identity"} | partial.range_headers()
    request = Request(url, headers=headers)  # noqa: S310 - the scheme has just been checked
    try:
        response: HTTPResponse = build_opener(_SecureRedirects).open(request, timeout=limits.timeout_seconds)
    except HTTPError as fault:
        if fault.code != 416 or not partial.byte_count:
            raise
        fault.close()  # "range not satisfiable": the file there is shorter now
        partial.discard()
        return _open(url, partial, limits)
    if partial.is_part_of_another(response):
        response.close()
        partial.discard()
        return _open(url, partial, limits)
    return response


def _check_address(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise WeightsError(f"{url} is not an https address; nothing was fetched from there.")


def _check_space(offset: int, total: int | None, cache: Path, limits: DownloadLimits) -> None:
    if total is None:
        return
    if total > limits.max_bytes:
        raise WeightsError(f"The file has {total:,} bytes and max_bytes is {limits.max_bytes:,}.")
    needed, free = total - offset + limits.spare_disk_bytes, shutil.disk_usage(cache).free
    if free < needed:
        raise WeightsError(
            f"The disk of {cache} should have {needed:,} bytes free and has {free:,}. "
            "Free some, or set NONLOCAL_CACHE to a folder on another disk."
        )


def _receive(
    response: HTTPResponse,
    partial: PartialDownload,
    offset: int,
    total: int | None,
    *,
    progress: Progress | None,
    limits: DownloadLimits,
) -> None:
    done = offset
    with partial.path.open("ab") as stream:
        while chunk := response.read(_CHUNK_BYTES):
            done += len(chunk)
            if done > limits.max_bytes:
                raise WeightsError(f"The server sends more than max_bytes = {limits.max_bytes:,} bytes.")
            stream.write(chunk)
            if progress is not None:
                progress(done, total)
    if total is not None and done != total:  # a closed connection looks like the end of the file
        raise ConnectionError(f"{done} of {total} bytes")


def _verify(card: PublishedCard, path: Path, cache: Path) -> None:
    """Raise WeightsError if the file differs from the published hash or from the pinned one."""
    expected = [(card.digest.algorithm, card.digest.hex, "is published")] if card.digest else []
    if pin := find_pin(cache, card.id):
        expected.append(("sha256", pin.sha256, "was pinned here"))
    for algorithm, digits, whence in expected:
        found = file_digest(path, algorithm)
        if not found.startswith(digits):
            raise WeightsError(
                f"The file of {card.id} has {algorithm} {found} and {digits} {whence}. "
                "It is damaged or another one and was removed; fetch it again."
            )
