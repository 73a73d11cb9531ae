"""Kept files read back by a reader of their kind: the record inside, and every text in them."""

import base64
import html
import re
import zlib
from pathlib import Path
from xml.etree import ElementTree

import av
import numpy as np
from PIL import Image


def provenance_of(path: Path) -> str:
    """Return the record inside a file, found as a reader of that kind of file finds it."""
    data = path.read_bytes()
    match path.suffix:
        case ".json":
            return data.decode()
        case ".html":
            return re.search(r'id="provenance">(.*?)</script>', data.decode(), re.DOTALL).group(1)
        case ".svg":
            return ElementTree.fromstring(data).find("{http://www.w3.org/2000/svg}metadata").text
        case ".pdf":
            written = re.search(rb"/Provenance <([0-9a-f]+)>", data).group(1)
            return bytes.fromhex(written.decode()).decode("utf-16")
        case ".png":
            with Image.open(path) as picture:
                return picture.text["provenance"]
        case ".gif":
            with Image.open(path) as film:
                return film.info["comment"].decode()
        case ".mp4":
            with av.open(str(path)) as film:
                return film.metadata["comment"]
        case ".npz":
            with np.load(path) as arrays:
                return str(arrays["provenance"])


def texts_of(path: Path) -> list[str]:
    """Return every text in a file, packed or not, and the bytes as they are."""
    data = path.read_bytes()
    texts = [data.decode("latin-1")]
    match path.suffix:
        case ".html":
            texts.append(html.unescape(data.decode()))
            texts.append(bundle_in(data.decode()).decode("latin-1"))
        case ".svg":
            texts += ElementTree.fromstring(data).itertext()
        case ".pdf":
            written = re.findall(rb"<(feff[0-9a-f]+)>", data)
            texts += [bytes.fromhex(found.decode()).decode("utf-16") for found in written]
            texts += [inflated(found) for found in streams(data)]
        case ".npz":
            with np.load(path) as arrays:
                texts += [str(arrays[name]) for name in arrays.files if arrays[name].dtype.kind == "U"]
        case ".png" | ".gif" | ".mp4":
            texts.append(provenance_of(path))
    return texts


def bundle_in(page: str) -> bytes:
    """Return the bundle that stands in a live page."""
    return base64.b64decode(re.search(r'id="bundle">([^<]*)<', page).group(1))


def streams(pdf: bytes):
    """Yield the compressed streams of a PDF, by their own lengths."""
    for found in re.finditer(rb"/FlateDecode /Length (\d+) >>\nstream\n", pdf):
        yield pdf[found.end() : found.end() + int(found.group(1))]


def inflated(stream: bytes) -> str:
    """Return the text of a page: its strings are written in hexadecimal."""
    content = zlib.decompress(stream).decode("latin-1")
    return " ".join(bytes.fromhex(word).decode("cp1252") for word in re.findall(r"<([0-9a-f]+)> Tj", content))
