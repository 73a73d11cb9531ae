// Blocks by layer and head: attention of several heads gives one block for each of them, and their mean.

/** Number of the mean among the heads of a layer, whose last block it is. */
const MEAN = -1;

/** The blocks with the means over heads that a bundle names, each behind the heads of its layer: the block of an answer, without tables. */
export function withMeans(blocks, means = []) {
  const named = new Map(blocks.map((block) => [block.name, block]));
  const behind = new Map(means.map(({ heads: names, ...words }) => {
    const heads = names.map((name) => named.get(name));
    const [first] = heads;
    return [heads.at(-1), {
      ...first, ...words, heads, head: null, theta: { dtype: first.theta.dtype }, askerTheta: null, phi: null, logNormaliser: null,
      row_error: Math.max(...heads.map(({ row_error: error }) => error)),
    }];
  }));
  return blocks.flatMap((block) => (behind.has(block) ? [block, behind.get(block)] : [block]));
}

/** The name of a block without its head. */
export function layerOf({ name, head, heads }) {
  if (heads) return layerOf(heads[0]);
  return head === null ? name : without(name, `.head${head}`);
}

/** The title of a block without its head. */
export function layerTitle({ title, head, heads }) {
  if (heads) return layerTitle(heads[0]);
  return head === null ? title : without(title, ` · head ${head + 1}`);
}

/** What a block is among the heads of its layer. */
export function headTitle({ head, heads }) {
  return heads ? `Mean of ${heads.length} heads` : `Head ${head + 1}`;
}

/** Layers in the order in which they ran: { title, step, blocks } with the index of each head's block, and of their mean behind. */
export function layersOf(blocks) {
  const layers = new Map();
  blocks.forEach((block, index) => {
    const key = layerOf(block);
    if (!layers.has(key)) layers.set(key, { name: key, title: layerTitle(block), step: block.step ?? "", blocks: [] });
    layers.get(key).blocks.push(index);
  });
  const all = [...layers.values()];
  const repeats = ({ title }) => all.filter((other) => other.title === title).length > 1;
  return all.map((layer) => ({ title: repeats(layer) ? `${layer.title} (${layer.name})` : layer.title, step: layer.step, blocks: layer.blocks }));
}

/** The steps of a network that ran several times, in their order; one for any other. */
export function stepsOf(layers) {
  return [...new Set(layers.map(({ step }) => step))];
}

/** The title of a layer without its step. */
export function plainTitle({ title, step }) {
  return without(title, ` · ${step}`);
}

/** The layer of another step that is the same as one of this, by its title; else the first of that step. */
export function inStep(layers, layer, step) {
  const there = layers.filter((each) => each.step === step);
  return layers.indexOf(there.find((each) => plainTitle(each) === plainTitle(layers[layer])) ?? there[0]);
}

/** Where a block stands: the index of its layer, and which of the layer's heads it is, -1 for their mean. */
export function placeOf(blocks, layers, block) {
  const layer = layers.findIndex((each) => each.blocks.includes(block));
  return { layer, head: blocks[block].heads ? MEAN : layers[layer].blocks.indexOf(block) };
}

/** The block of a layer and head; a head that the layer does not have is its last block, and so is the mean. */
export function blockAt(layers, { layer, head }) {
  const { blocks } = layers[layer];
  return blocks.at(Math.min(head, blocks.length - 1));
}

/** The block so many layers or heads further on, round and round. */
export function stepBlock(blocks, block, { layers = 0, heads = 0 }) {
  const all = layersOf(blocks);
  const { layer, head } = placeOf(blocks, all, block);
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
