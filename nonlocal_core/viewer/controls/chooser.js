// Which block is shown: buttons for a few, a menu for more, and menus for layer and head, and for the step, where blocks have
// heads, or ran in several steps.

import { blockAt, headTitle, inStep, layersOf, placeOf, plainTitle, stepsOf } from "../model/blocks.js";
import { menu, segmented } from "../drawing/dom.js";

const MOST_BUTTONS = 4;

/** Returns { roots, press(block) }: the elements to show, none for a single block, and how to mark the chosen one. */
export function blockChooser(blocks, choose) {
  if (blocks.length < 2) return { roots: [], press: () => {} };
  const layers = layersOf(blocks);
  if (stepsOf(layers).length > 1 || layers.some((layer) => layer.blocks.length > 1)) return headChooser(blocks, layers, choose);
  const titles = layers.map(({ title }, index) => ({ title, hint: blocks[index].warning || undefined }));
  const chooser = blocks.length <= MOST_BUTTONS ? segmented("Block", titles, choose) : menu("Block", titles.map(({ title }) => title), choose);
  return { roots: [chooser.root], press: (block) => chooser.press(block) };
}

function headChooser(blocks, layers, choose) {
  let at = { layer: 0, head: 0 };
  const move = (to) => choose(blockAt(layers, at = { ...at, ...to })); // at once: the next choice may come before the next draw
  const steps = stepsOf(layers);
  const step = menu("Step", steps, (index) => move({ layer: inStep(layers, at.layer, steps[index]) }));
  const beside = () => layers.filter((each) => each.step === layers[at.layer].step);
  const layer = menu("Layer", [], (index) => move({ layer: layers.indexOf(beside()[index]) }));
  const head = menu("Head", [], (index) => move(placeOf(blocks, layers, layers[at.layer].blocks[index])));
  const press = (block) => {
    at = placeOf(blocks, layers, block);
    const inLayer = layers[at.layer].blocks;
    step.press(steps.indexOf(layers[at.layer].step));
    layer.press(beside().indexOf(layers[at.layer]), beside().map(steps.length > 1 ? plainTitle : ({ title }) => title));
    head.press(inLayer.indexOf(block), inLayer.map((index) => (inLayer.length > 1 ? headTitle(blocks[index]) : "Head 1")));
  };
  return { roots: [...(steps.length > 1 ? [step.root] : []), layer.root, head.root], press };
}
