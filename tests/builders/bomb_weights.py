"""Makes checkpoints and saved pages of less than a megabyte that cost their reader far more than they weigh."""

import base64
import io
import json
import struct
import zipfile
from collections.abc import Callable, Iterable

import numpy as np
import torch
from bundles import header_of, make_block, make_bundle, make_frames, rebuilt
from checkpoint_bytes import torch_bytes
from pickle_writer import array2, integer, pickle2, string2

ARRAY = array2(np.zeros(1, np.float32))


def same_array(names: Iterable[str], first: bytes = ARRAY) -> bytes:
    """Return a pickle in which one array stands under many names."""
    pairs = b"".join(string2(name) + b"h\x00" for name in names)
    return pickle2(b"}(" + string2("first") + first + b"q\x00" + pairs + b"u")


def steps(one: bytes, count: int) -> bytes:
    return b"\x80\x02" + one * count + b"."


def copies(entries: int, count: int) -> bytes:
    """Return a pickle that copies one dictionary again and again."""
    held = b"}(" + b"".join(integer(n) + b"N" for n in range(entries)) + b"uq\x00"
    return pickle2(b"](" + held + (b"ccollections\nOrderedDict\n" + b"h\x00\x85R") * count + b"e")


def stretched(mebibytes: int) -> bytes:
    """Return a zip file whose one stored value is repeated in a tensor."""
    return torch_bytes({"conv1.weight": torch.zeros(1).expand(mebibytes << 18)})


def many_views(count: int) -> bytes:
    held = torch.zeros(4)
    return torch_bytes({f"{number}": held[number % 4 :] for number in range(count)})


def many_entries(count: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(count):
            archive.writestr(f"{number}", b"")
        archive.writestr("a/data.pkl", pickle2(b"}"))
    return file.getvalue()


def safetensors(header: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header


def many_empty(count: int) -> bytes:
    return safetensors(
        json.dumps({f"{n}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for n in range(count)}).encode()
    )


CHECKPOINTS: dict[str, Callable[[], bytes]] = {
    "pickle, 990,000 values": lambda: steps(b"N", 990_000),
    "pickle, 990,000 lists in each other": lambda: steps(b"]", 1) + b"(" * 990_000,
    "pickle, 490,000 tuples in each other": lambda: steps(b"N" + b"\x85" * 490_000, 1),
    "pickle, copies of a dictionary": lambda: copies(80_000, 16_000),
    "pickle, an array under 90,000 names": lambda: same_array(f"{n:05}" for n in range(90_000)),
    "pickle, an array under 19,900 names of 45 letters": lambda: same_array(
        "module." * 5 + f"res{n:05}x" for n in range(19_900)
    ),
    "pickle, an array under 5,900 names of 150 letters": lambda: same_array(
        "module.model.backbone." * 6 + f"res{n:05}.conv" for n in range(5_900)
    ),
    "pickle, an array under 3,500 names of 250 letters": lambda: same_array(
        "module.model.backbone." * 11 + f"{n:05}" for n in range(3_500)
    ),
    "zip, a tensor of 64 MB from one value": lambda: stretched(64),
    "zip, 4,500 tensors of one storage": lambda: many_views(4_500),
    "zip, 8,000 entries": lambda: many_entries(8_000),
    "safetensors, 13,000 tensors of nothing": lambda: many_empty(13_000),
    "safetensors, lists in each other": lambda: safetensors(b'{"a":' + b"[" * 900_000),
}


def page_of(bundle: bytes) -> bytes:
    packed = base64.b64encode(bundle)
    return b'<script type="application/octet-stream" id="bundle">' + packed + b"</script>"


def many_blocks(count: int) -> bytes:
    """Return a page with copies of one block, whose tables all share their places."""
    header, payload = header_of(make_bundle(make_block(grid=(1, 2, 2), channels=1), frames=make_frames(1)))
    (block,) = header["blocks"]
    return page_of(rebuilt({**header, "blocks": [block, *(block | {"name": f"b{n}"} for n in range(count))]}, payload))


def many_tables(count: int) -> bytes:
    """Return a page with copies of one block, each with tables of its own."""
    header, payload = header_of(make_bundle(make_block(grid=(1, 2, 2), channels=1), frames=make_frames(1)))
    (block,), more = header["blocks"], bytearray(payload)
    blocks = [block]
    for number in range(count):
        own = {}
        for name in ("theta", "phi"):
            more += bytes(-len(more) % 64)
            own[name] = block[name] | {"offset": len(more)}
            more += payload[block[name]["offset"] :][: block[name]["length"]]
        blocks.append(block | own | {"name": f"b{number}"})
    return page_of(rebuilt({**header, "blocks": blocks}, bytes(more)))


def deep_header(depth: int) -> bytes:
    text = b'{"a":' + b"[" * depth
    return page_of(struct.pack("<4sII", b"NLVB", 3, len(text)) + text)


PAGES: dict[str, Callable[[], bytes]] = {
    "page, 500 blocks of one table": lambda: many_blocks(500),
    "page, 400 blocks of own tables": lambda: many_tables(400),
    "page, lists in each other": lambda: deep_header(9_375 * 64 - 17),
    "page, no bundle": lambda: b'<script type="application/octet-stream" id="bundle">' * 18_000,
}
