// Frames that do not vary: told in the words of tests/unit/media/test_one_colour.py.

import assert from "node:assert/strict";
import { test } from "node:test";

import { oneColourWords } from "../../../../nonlocal_core/viewer/model/one_colour.js";

const frame = (...levels) => Uint8ClampedArray.from(levels.flatMap((level) => [level, 40, 90, 255]));

test("only frames that do not vary from place to place are told", () => {
  const said = (...frames) => oneColourWords(frames, (picture) => picture);
  const rest = "of one colour: what is looked at comes from the network, such as from its border, not from a picture.";
  assert.equal(said(frame(10, 18, 12)), `The picture is ${rest}`);
  assert.equal(said(frame(10, 10), frame(200, 200)), `Every frame is ${rest}`, "a fade varies in time alone");
  assert.equal(said(frame(10, 19)), "");
  assert.equal(said(frame(10, 10), frame(10, 30)), "", "one frame has something to see");
});

test("of a clip that goes on, the pixels of few pictures are read", () => {
  const pictures = Array.from({ length: 20 }, () => frame(10, 200));
  let read = 0;
  for (let last = 1; last <= pictures.length; last++) {
    assert.equal(oneColourWords(pictures.slice(Math.max(0, last - 8), last), (picture) => (read++, picture)), "");
  }
  assert.equal(read, 3); // the first, the ninth, the seventeenth
});
