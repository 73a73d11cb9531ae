"""``render`` writes the answer of the API, with its pins, temperature and hops."""

import json

import numpy as np
from small_clip import SMALL

from nonlocal_core import Pin, Session
from nonlocal_core.cli import OK, main


def test_render_writes_the_file_that_it_names(capsys, tmp_path):
    target = tmp_path / "heat.npz"
    assert (
        main(["render", "sample:coins", "--short-side", "64", "--x", "0.5", "--y", "0.5", "--out", str(target)]) == OK
    )
    assert capsys.readouterr().out.strip() == str(target)
    with np.load(target) as written:
        expected = Session.open("sample:coins", short_side=64).query(frame=0, x=0.5, y=0.5)
        np.testing.assert_array_equal(written["heat"], expected.heat)


def test_render_takes_pins_and_a_temperature(session, tmp_path):
    target, point = tmp_path / "pins.npz", ["--frame", "1", "--x", "0.7", "--y", "0.2"]
    asked = ["--beside", "0,0.3,0.4", "--temperature", "0.5", "--out", str(target)]
    assert main(["render", "sample:bunny", *SMALL, *point, *asked]) == OK
    last, first = (
        session.answer(Pin(frame=frame, x=x, y=y, temperature=0.5)) for frame, x, y in ((1, 0.7, 0.2), (0, 0.3, 0.4))
    )
    with np.load(target) as written:
        np.testing.assert_array_equal(written["heat"], last.heat)
        np.testing.assert_array_equal(written["beside_heat"], first.heat[None])
        assert str(written["note"]).startswith("Temperature 0.5, not the network's")
        record = json.loads(str(written["provenance"]))
    assert (record["temperature"], record["beside"]) == (0.5, [[[0, 0.3, 0.4]]])
    assert not np.allclose(last.heat, session.query(frame=1, x=0.7, y=0.2).heat), "it changes the answer"


def test_render_follows_the_look(session, tmp_path):
    target = tmp_path / "hops.npz"
    point = ["--frame", "1", "--x", "0.7", "--y", "0.2"]
    assert main(["render", "sample:bunny", *SMALL, *point, "--hops", "2", "--out", str(target)]) == OK
    with np.load(target) as written:
        np.testing.assert_array_equal(written["heat"], session.follow(frame=1, x=0.7, y=0.2, hops=2).heat)
        assert str(written["note"]).startswith("2 hops, the further ones through ")
        assert json.loads(str(written["provenance"]))["hops"] == 2
