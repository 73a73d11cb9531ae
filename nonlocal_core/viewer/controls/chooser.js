// Which block is shown: buttons for a few, a menu for more, and two menus, layer and head, where blocks have heads.

import { blockAt, headTitle, layersOf, placeOf } from "../model/blocks.js";
import { menu, segmented } from "../drawing/dom.js";

const MOST_BUTTONS = 4;

/** Returns { roots, press(block) }: the elements to show, none for a single block, and how to mark the chosen one. */
export function blockChooser(blocks, choose) {
  if (blocks.length < 2) return { roots: [], press: () => {} };
  const layers = layersOf(blocks);
  if (layers.some((layer) => layer.blocks.length > 1)) return headChooser(blocks, layers, choose);
  const titles = layers.map(({ title }, index) => ({ title, hint: blocks[index].warning || undefined }));
  const chooser = blocks.length <= MOST_BUTTONS ? segmented("Block", titles, choose) : menu("Block", titles.map(({ title }) => title), choose);
  return { roots: [chooser.root], press: (block) => chooser.press(block) };
}

function headChooser(blocks, layers, choose) {
  let at = { layer: 0, head: 0 };
  const move = (to) => choose(blockAt(layers, at = { ...at, ...to })); // at once: the next choice may come before the next draw
  const layer = menu("Layer", layers.map(({ title }) => title), (index) => move({ layer: index }));
  const head = menu("Head", [], (index) => move(placeOf(blocks, layers, layers[at.layer].blocks[index])));
  const press = (block) => {
    at = placeOf(blocks, layers, block);
    const inLayer = layers[at.layer].blocks;
    layer.press(at.layer);
    head.press(inLayer.indexOf(block), inLayer.map((index) => (inLayer.length > 1 ? headTitle(blocks[index]) : "Head 1")));
  };
  return { roots: [layer.root, head.root], press };
}
