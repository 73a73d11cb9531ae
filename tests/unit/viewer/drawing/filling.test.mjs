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
  const [bare, cautioned] = [0, 48].map((caution) => filling({ ...screen, count: 2, height: 400, caution }));
  assert.ok(cautioned.tall <= bare.tall - 36 && cautioned.tall >= bare.tall - 48, `room for the caution: ${bare.tall}, ${cautioned.tall}`);
  const small = filling({ count: 8, width: 366, height: 300, aspect: 16 / 9, frames: 8 });
  assert.ok(small.tall >= LEGIBLE && small.columns === 2, JSON.stringify(small));
  assert.equal(filling({ count: 3, width: 90, height: 300, aspect: 2, frames: 1 }).columns, 1);
});
