// When the other side is told.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Teller } from "../../../../nonlocal_core/viewer/entry/pace.js";

test("what waits to be told is told at once on demand, and once", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const sent = [];
  const teller = new Teller((message) => sent.push(message));
  teller.tellSoon({ x: 1 });
  teller.tellSoon({ x: 2 });
  assert.deepEqual(sent, []);
  teller.tellNow();
  teller.tellNow();
  context.mock.timers.tick(1000);
  assert.deepEqual(sent, [{ x: 2 }]);
  teller.tellSoon({ x: 3 });
  context.mock.timers.tick(1000);
  assert.deepEqual(sent, [{ x: 2 }, { x: 3 }]);
  teller.tellSoon({ x: 4 });
  teller.knows({ x: 4 });
  teller.tellNow();
  context.mock.timers.tick(1000);
  assert.equal(sent.length, 2);
});
