"""Fields of untrusted JSON: each has a type and a range, and a fault names its path."""

import json
import re
import struct

import pytest
from bundles import full_bundle, header_of, rebuilt

from nonlocal_core.bundle import decode_bundle
from nonlocal_core.bundle.fields import Fields
from nonlocal_core.errors import BundleError

HEADER, PAYLOAD = header_of(full_bundle())


def headed(text: bytes) -> bytes:
    text += b" " * (-(12 + len(text)) % 64)
    return struct.pack("<4sII", b"NLVB", 3, len(text)) + text


@pytest.mark.parametrize("key", sorted(set(HEADER) - {"id"}))
def test_a_missing_field_is_named(key):
    header = {name: value for name, value in HEADER.items() if name != key}
    header.setdefault("version", 3) if key != "version" else None
    with pytest.raises(BundleError, match=key):
        decode_bundle(rebuilt(header, PAYLOAD))


def test_a_header_nested_without_end_is_refused():
    with pytest.raises(BundleError, match="JSON"):
        decode_bundle(headed(b'{"a":' + b"[" * 200_000))


def test_a_number_of_thousands_of_digits_is_refused():
    with pytest.raises(BundleError, match="JSON"):
        decode_bundle(headed(b'{"version":' + b"3" * 5000 + b"}"))


@pytest.mark.parametrize("value", [b"1e999", b"-1e999"])
def test_a_number_beyond_all_bounds_in_an_unknown_field_is_refused(value):
    _, _, length = struct.unpack_from("<4sII", full_bundle())
    text = full_bundle()[12 : 12 + length].rstrip()
    with pytest.raises(BundleError, match="does not match its id"):
        decode_bundle(headed(text[:-1] + b',"zz":' + value + b"}") + full_bundle()[12 + length :])


def test_a_header_that_is_nested_as_deep_as_can_be_parsed_is_refused():
    """Python parses a few levels more than it writes, wherever the parser is called from."""
    text = json.dumps({"id": "0" * 64} | {name: value for name, value in HEADER.items() if name != "id"}).encode()[:-1]
    for depth in range(700, 1000):
        with pytest.raises(BundleError):
            decode_bundle(headed(text + b',"zz":' + b"[" * depth + b"]" * depth + b"}") + PAYLOAD)


VALUES = {
    "text": "a",
    "flag": True,
    "half": 0.5,
    "three": 3,
    "huge": 10**400,
    "empty": None,
    "list": [1, 2],
    "spans": [[0, 2], [2, 5]],
    "object": {"inner": {"deep": 1}},
}
FIELDS = Fields(VALUES, "view")


@pytest.mark.parametrize(
    ("read", "found"),
    [
        (lambda fields: fields.text("text"), "a"),
        (lambda fields: fields.choice("text", ("b", "a")), "a"),
        (lambda fields: fields.number("half", low=0.5, high=0.5), 0.5),
        (lambda fields: fields.number("three"), 3.0),
        (lambda fields: fields.number_or_none("empty"), None),
        (lambda fields: fields.numbers("list", length=2), (1.0, 2.0)),
        (lambda fields: fields.count("three", start=3, below=4), 3),
        (lambda fields: fields.count_or_none("empty", below=1), None),
        (lambda fields: fields.counts("list", below=3), (1, 2)),
        (lambda fields: fields.spans("spans", below=6), ((0, 2), (2, 5))),
        (lambda fields: fields.texts_if_any("absent"), ()),
        (lambda fields: fields.child("object").child("inner").path("deep"), "view.object.inner.deep"),
        (lambda fields: fields.child_or_none("absent"), None),
        (lambda fields: [fields.has("three"), fields.has("absent")], [True, False]),
    ],
)
def test_a_field_of_its_type_and_range_is_returned(read, found):
    assert read(FIELDS) == found


@pytest.mark.parametrize(
    ("read", "sentence"),
    [
        (lambda fields: fields.text("three"), "view.three of a bundle is text; got 3."),
        (lambda fields: fields.choice("text", ("b", "c")), "view.text of a bundle is one of b, c; got 'a'."),
        (lambda fields: fields.number("flag"), "view.flag of a bundle is a number; got True."),
        (lambda fields: fields.number("half", low=0.6, high=1), "view.half of a bundle is a number from 0.6 to 1;"),
        (lambda fields: fields.number("half", high=0.4), "view.half of a bundle is a number from -inf to 0.4;"),
        (lambda fields: fields.number("huge"), "view.huge of a bundle is a finite number;"),
        (lambda fields: fields.numbers("list", length=3), "view.list of a bundle is a list of 3; got [1, 2]."),
        (lambda fields: fields.count("flag", below=2), "view.flag of a bundle is a whole number from 0 to 1;"),
        (lambda fields: fields.count("three", below=3), "view.three of a bundle is a whole number from 0 to 2;"),
        (lambda fields: fields.count("three", start=4, below=9), "view.three of a bundle is a whole number from 4"),
        (lambda fields: fields.counts("list", below=2), "view.list of a bundle is a whole number from 0 to 1; got 2."),
        (lambda fields: fields.spans("spans", below=5), "view.spans of a bundle is a whole number from 0 to 4; got 5."),
        (lambda fields: fields.spans("list", below=5), "view.list of a bundle is pairs [start, stop]; got 1."),
        (lambda fields: fields.texts("list"), "view.list of a bundle is a list of texts; got 1."),
        (lambda fields: fields.children("spans", most=1), "view.spans of a bundle is at most 1 entries; got '2 ent"),
        (lambda fields: fields.children("list", most=2), "needs an object at view.list[0]; got 1."),
        (lambda fields: fields.child("object").child("absent"), "has a field view.object.absent; this one does not."),
    ],
)
def test_another_value_is_refused_with_its_path(read, sentence):
    with pytest.raises(BundleError, match=re.escape(sentence)):
        read(FIELDS)


@pytest.mark.parametrize("text", [b"[1]", b'{"a": NaN}', b'{"a": -Infinity}', b"\xff{}", b'{"a": 1'])
def test_a_header_is_an_object_of_finite_numbers_in_utf_8(text):
    with pytest.raises(BundleError):
        Fields.parse(text)
