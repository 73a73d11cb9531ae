"""Rows go through Arrow bit for bit, in columns that are the fields of the record."""

from dataclasses import asdict, fields

import numpy as np
import pyarrow as pa
import pytest

from nonlocal_core.survey.records import FIGURES, SCHEMA, Asked, Fact, Row, Score, Seen, as_bytes, as_table


def lists(value):
    """The value as Arrow gives it back: tuples are lists."""
    if isinstance(value, dict):
        return {name: lists(each) for name, each in value.items()}
    return [lists(each) for each in value] if isinstance(value, tuple) else value


def test_every_value_comes_back_as_it_was():
    rng = np.random.default_rng(11)
    numbers = dict(zip(FIGURES, rng.standard_normal(len(FIGURES)).tolist(), strict=True)) | {"effect": float("inf")}
    seen = Seen(frame=2, x=0.1, y=1 / 3, weight=5e-324, times_uniform=1e300)
    full = Row(
        place=2**40,
        clip="ä.mp4",
        model="m",
        shown_hw=(7, 9),
        pts_seconds=(0.0, 0.1 + 0.2),
        warnings=(),
        weights=(Fact(name="a", value="b"),),
        answer=(Score(name="cat", score=0.3),),
        is_shown_first=False,
        temporal_profile=((0.25, 0.75), (1.0,)),
        asked=(Asked(why="drawn", frame=0, x=0.5, y=0.5, top=(seen, seen)),),
        picture=b"\x00\xff",
        **numbers,
    )
    failed = Row(place=0, clip="", model="m", reason="It is cut short.")
    assert as_table(as_bytes([full, failed])).to_pylist() == [lists(asdict(full)), lists(asdict(failed))]


def test_columns_are_the_fields_and_each_figure_is_one_number():
    assert SCHEMA.names == [field.name for field in fields(Row)]
    assert all(SCHEMA.field(name).type == pa.float64() for name in FIGURES)
    assert SCHEMA.field("temporal_profile").type == pa.list_(pa.list_(pa.float64()))
    assert SCHEMA.field("weights").type == pa.list_(pa.struct([("name", pa.string()), ("value", pa.string())]))


def test_no_rows_have_the_columns_too_and_other_bytes_none():
    assert as_table(as_bytes([])).schema == SCHEMA
    with pytest.raises(pa.ArrowInvalid):
        as_table(b"no rows")
