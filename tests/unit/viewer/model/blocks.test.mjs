// Blocks by layer and head.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inStep, layersOf, plainTitle, stepBlock, stepsOf } from "../../../../nonlocal_core/viewer/model/blocks.js";
import { startState } from "../../../../nonlocal_core/viewer/model/state.js";
import { act, blockOf, bundleOf, grid } from "../records.mjs";

const headed = (name, title, heads) => Array.from({ length: heads }, (_, head) => (
  blockOf(grid(5, 6, 8), [1, 1, 1], { name: `${name}.head${head}`, title: `${title} · head ${head + 1}`, head })
));

test("heads of a layer stand together; b goes to the next layer, h to the next head", () => {
  const blocks = [...headed("layer0", "Layer 0", 3), ...headed("layer1", "Layer 1", 2), blockOf(grid(5, 6, 8), [1, 1, 1], { name: "last", title: "Last" })];
  assert.deepEqual(layersOf(blocks), [
    { title: "Layer 0", step: "", blocks: [0, 1, 2] }, { title: "Layer 1", step: "", blocks: [3, 4] }, { title: "Last", step: "", blocks: [5] },
  ]);
  assert.deepEqual([[1, { layers: 1 }], [2, { layers: 1 }], [4, { layers: 1 }], [5, { layers: 1 }], [0, { heads: -1 }], [4, { heads: 1 }], [5, { heads: 1 }]]
    .map(([block, by]) => stepBlock(blocks, block, by)), [4, 4, 5, 0, 2, 3, 5]);
  const bundle = { ...bundleOf(blocks), view: { ...bundleOf().view, block: "layer0.head2" } };
  const state = startState(bundle);
  assert.deepEqual([state.block, act(bundle, state, { type: "layer", by: 1 }).block, act(bundle, state, { type: "head", by: 1 }).block], [2, 4, 0]);
});

test("a layer that ran twice is told apart by its name", () => {
  const blocks = [...headed("shared", "Shared", 2), ...headed("shared@2", "Shared", 2)];
  assert.deepEqual(layersOf(blocks).map(({ title }) => title), ["Shared (shared)", "Shared (shared@2)"]);
});

test("the layers of a network that ran in several steps are chosen by step and layer", () => {
  const run = (at, step, names) => names.flatMap((name) => headed(`${name}${at}`, `${name} · ${step}`, 2).map((block) => ({ ...block, step })));
  const layers = layersOf([...run("", "timestep 900", ["down", "up"]), ...run("@2", "timestep 100", ["down", "up", "last"])]);
  assert.deepEqual(stepsOf(layers), ["timestep 900", "timestep 100"]);
  assert.deepEqual(layers.map(plainTitle), ["down", "up", "down", "up", "last"]);
  assert.deepEqual([inStep(layers, 1, "timestep 100"), inStep(layers, 3, "timestep 900"), inStep(layers, 4, "timestep 900")], [3, 1, 0]);
  assert.deepEqual(stepsOf(layersOf(headed("down", "down", 2))), [""]);
});
