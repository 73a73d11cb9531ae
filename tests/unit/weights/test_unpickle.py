"""The machine that reads a pickle builds plain data, believes no size, and ends."""

import struct

import numpy as np
import pytest
from pickle_writer import array2, dict2, integer, pickle2, string2

from nonlocal_core.weights import unpickle

W = np.arange(21, dtype=np.float32).reshape(3, 7)


@pytest.mark.parametrize(
    ("program", "told"),
    [
        (b"cnumpy\ndtype\n)\x81", "the pickle operation NEWOBJ"),
        (b"\x82\x01", "the pickle operation EXT1"),
        (b"Pname\n", "the pickle operation PERSID"),
        (string2("name") + b"Q", "a persistent id"),
        (b"]" + string2("x") + b")R", "it calls something that is no named function"),
        (b"cnumpy\ndtype\n" + string2("f4") + b"R", "it calls something that is no named function"),
        (b"]}" + string2("append") + b"Nsb", "it sets the attributes of a list"),
        (b"cnumpy\ndtype\n}b", "it sets the attributes of a Global"),
        (b"cnumpy\ndtype\n)R}b}b", "it sets the attributes of a Call"),
        (b"cnumpy\ndtype\n" + string2("a") + b"Ns", "it sets an item of a Global"),
        (b"cnumpy\ndtype\nNa", "it appends to a Global"),
        (b"}))s", "it uses a tuple as a key"),
        (b"c_codecs\nencode\n" + string2("touch x") + string2("rot13") + b"\x86R", "encodes text in a way"),
        (b"]", "it holds a list and no tensors by name"),
        (b"}", "it holds no tensors by name"),
        (dict2({"blobs": dict2({"w": array2(W), "x": b"]"})}), "where a tensor belongs, 'x' holds a list"),
        (dict2({"blobs": dict2({"w": array2(W)}), "model": dict2({"w": array2(W)})}), "more than one set of weights"),
        (b"}(" + integer(7) + array2(W) + b"u", "it names a tensor 7"),
    ],
)
def test_programs_that_no_array_needs(refusal, program, told):
    assert told in refusal(pickle2(program))


@pytest.mark.parametrize(
    ("program", "told"),
    [
        (b"T" + struct.pack("<i", 2**31 - 1) + b"abc", "declares 2,147,483,647 bytes where 4 are left"),
        (b"\x8e" + struct.pack("<q", 2**62), "declares 4,611,686,018,427,387,904 bytes where 1 are left"),
        (b"\x8d" + struct.pack("<q", -5), "damaged or incomplete"),
        (b"\x8b" + struct.pack("<i", 2**31 - 1), "where 1 are left"),
        (b"\x95" + struct.pack("<Q", 2**63), "damaged or incomplete"),
    ],
)
def test_declared_sizes_are_not_believed(refusal, program, told):
    assert told in refusal(pickle2(program))


def test_deep_nesting_is_not_a_crash(refusal):
    depth = 8_000
    assert "holds a tuple and no tensors by name" in refusal(pickle2(b"N" + b"\x85" * depth))
    assert "holds a list and no tensors by name" in refusal(pickle2(b"]" * (depth + 1) + b"a" * depth))
    # Hashing a tuple this deep overflows the C stack of the standard library's unpickler.
    assert "it uses a tuple as a key" in refusal(pickle2(b"}N" + b"\x85" * depth + b"Ns"))


def test_endless_programs_end(refusal, monkeypatch):
    monkeypatch.setattr(unpickle, "MAX_OPCODES", 1000)
    assert "MAX_OPCODES = 1,000 steps" in refusal(pickle2(b"N" * 1000))
    assert "MAX_OPCODES" not in refusal(pickle2(b"N" * 998))  # and the first and the last operation


def test_a_list_that_holds_itself_and_shared_values(refusal):
    assert "holds a list" in refusal(pickle2(b"]q\x00h\x00a"))
    laughs = b"]q\x00" + b"".join(b"](h" + bytes([i]) + b"h" + bytes([i]) + b"eq" + bytes([i + 1]) for i in range(60))
    assert "damaged" in refusal(pickle2(laughs))


def test_what_is_there_once_is_not_copied_again_and_again(refusal):
    """A kilobyte that is copied ten thousand times takes no more than twenty kilobytes of file."""
    entries = b"".join(integer(number) + b"N" for number in range(100))
    dictionary = b"ccollections\nOrderedDict\nq\x00}(" + entries + b"u\x85q\x01R"
    assert "holds a list" in refusal(pickle2(b"](" + dictionary + b"h\x00h\x01Re"))
    assert "copies more values than it has bytes" in refusal(pickle2(b"](" + dictionary + b"h\x00h\x01R" * 100 + b"e"))
    text = b"c_codecs\nencode\nq\x00" + b"X\xe8\x03\x00\x00" + b"a" * 1000 + string2("latin1") + b"\x86q\x01R"
    assert "copies more values than it has bytes" in refusal(pickle2(b"](" + text + b"h\x00h\x01R" * 100 + b"e"))


def test_whole_numbers_that_collide_as_keys_are_refused(refusal):
    """All multiples of 2**61 - 1 have one hash, so that filling a dictionary takes the square of their number."""
    number = b"\x8a\x08" + (2**61 - 1).to_bytes(8, "little")
    assert "it uses 2305843009213693951 as a key" in refusal(pickle2(b"}" + number + b"Ns"))
    pairs = b"](](" + number + b"Nee"
    assert "it uses 2305843009213693951 as a key" in refusal(pickle2(b"ccollections\nOrderedDict\n" + pairs + b"\x85R"))
    assert "damaged" in refusal(pickle2(b"Np2305843009213693951\n"))


def test_names_in_a_message_are_short_and_printable(refusal):
    assert "'os.\\x1b[2J\\x07" in refusal(pickle2(b"cos\n\x1b[2J\x07\n"))
    assert "..." in refusal(pickle2(b"cos\n" + b"a" * 3000 + b"\n"))
