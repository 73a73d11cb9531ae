// How much the wheel zooms.

import assert from "node:assert/strict";
import { test } from "node:test";
import { largerBy } from "../../../../nonlocal_core/viewer/controls/zooming.js";

test("the wheel upwards is larger, a notch the same in pixels and in lines, a pinch little by little, and back undoes it", () => {
  const [notch, lines] = [{ deltaY: -100, deltaMode: 0 }, { deltaY: -3, deltaMode: 1 }].map(largerBy);
  assert.equal(notch, lines);
  assert.ok(notch > 1.2 && notch < 1.5);
  assert.ok(largerBy({ deltaY: -2, deltaMode: 0 }) < 1.03);
  assert.ok(Math.abs(notch * largerBy({ deltaY: 100, deltaMode: 0 }) - 1) < 1e-12);
});
