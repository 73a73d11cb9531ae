// Answers side by side, on screens of several sizes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { LEGIBLE, filling } from "../../../../nonlocal_core/viewer/drawing/filling.js";

test("pictures side by side fill a screen, give up strips before size, and scroll rather than shrink", () => {
  const screen = { width: 1200, height: 600, aspect: 16 / 9, frames: 8 };
  const fits = ({ count, width, height }, { columns, tall, wide }) => (
    columns * wide <= width && Math.ceil(count / columns) * tall <= height);
  for (let count = 2; count <= 8; count++) {
    const found = filling({ ...screen, count });
    assert.ok(fits({ ...screen, count }, found) && found.tall >= LEGIBLE, `${count}: ${JSON.stringify(found)}`);
  }
  assert.ok(filling({ ...screen, count: 2 }).strips && filling({ ...screen, count: 2 }).columns === 2);
  assert.ok(!filling({ ...screen, count: 6, frames: 64 }).strips, "four rows of frames are more than the picture is worth");
  assert.equal(filling({ ...screen, count: 5, step: 2 }).columns % 2, 0, "a question stands beside its answers");
  const [bare, cautioned] = [56, 104].map((written) => filling({ ...screen, count: 2, height: 400, written }));
  assert.ok(cautioned.tall <= bare.tall - 36 && cautioned.tall >= bare.tall - 48, `room for the caution: ${bare.tall}, ${cautioned.tall}`);
  const many = filling({ count: 8, width: 366, height: 300, aspect: 16 / 9, frames: 8 });
  assert.ok(many.tall >= LEGIBLE && many.columns === 2, JSON.stringify(many));
  const crowded = filling({ count: 7, width: 366, height: 620, aspect: 16 / 9, frames: 8, written: 700 });
  assert.ok(crowded.tall >= LEGIBLE && crowded.columns === 2, `long words shrink no picture: ${JSON.stringify(crowded)}`);
  const [small, large] = [12, 30].map((type) => filling({ ...screen, count: 2, type }));
  assert.ok(small.strips && !large.strips, "a strip stands where its numbers have room");
  assert.equal(filling({ count: 3, width: 90, height: 300, aspect: 2, frames: 1 }).columns, 1);
});
