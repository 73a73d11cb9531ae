// Bytes that are no bundle.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBundle } from "../../../../nonlocal_core/viewer/model/parse.js";

test("what is no bundle is refused with a sentence", () => {
  const bytes = (...values) => Uint8Array.from([...values, ...Array(64 - values.length).fill(0)]).buffer;
  assert.throws(() => parseBundle(new ArrayBuffer(4)), /not a bundle/);
  assert.throws(() => parseBundle(bytes(80, 75, 3, 4)), /not a bundle/);
  assert.throws(() => parseBundle(bytes(78, 76, 86, 66, 1)), /version 1/);
  assert.throws(() => parseBundle(bytes(78, 76, 86, 66, 3, 0, 0, 0, 255, 255)), /cut off or damaged/);
});
