// Blocks by layer and head: attention of several heads gives one block for each of them.

/** Layers in the order in which they ran: { title, blocks } with the index of each head's block. */
export function layersOf(blocks) {
  const layers = new Map();
  blocks.forEach(({ name, title, head }, index) => {
    const key = head === null ? name : without(name, `.head${head}`);
    if (!layers.has(key)) layers.set(key, { name: key, title: head === null ? title : without(title, ` · head ${head + 1}`), blocks: [] });
    layers.get(key).blocks.push(index);
  });
  const all = [...layers.values()];
  const repeats = ({ title }) => all.filter((other) => other.title === title).length > 1;
  return all.map((layer) => ({ title: repeats(layer) ? `${layer.title} (${layer.name})` : layer.title, blocks: layer.blocks }));
}

/** Where a block stands: the index of its layer, and which of the layer's heads it is. */
export function placeOf(layers, block) {
  const layer = layers.findIndex(({ blocks }) => blocks.includes(block));
  return { layer, head: layers[layer].blocks.indexOf(block) };
}

/** The block of a layer and head; a head that the layer does not have is its last one. */
export function blockAt(layers, { layer, head }) {
  const { blocks } = layers[layer];
  return blocks[Math.min(head, blocks.length - 1)];
}

/** The block so many layers or heads further on, round and round. */
export function stepBlock(blocks, block, { layers = 0, heads = 0 }) {
  const all = layersOf(blocks);
  const { layer, head } = placeOf(all, block);
  const next = turn(layer + layers, all.length);
  return blockAt(all, { layer: next, head: heads ? turn(head + heads, all[next].blocks.length) : head });
}

/** A position on a ring of `count`. */
export function turn(value, count) {
  return ((value % count) + count) % count;
}

function without(text, ending) {
  return text.endsWith(ending) ? text.slice(0, -ending.length) : text;
}
