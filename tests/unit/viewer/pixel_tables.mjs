// Tables of filters as the page makes them: reads { frames, inputHw, filter } from a JSON file, frames as bytes in base 64 at the size of
// the input, and prints the grid, theta and phi of each affinity.

import { readFileSync } from "node:fs";
import { pixelGrid, pixelTables, pooledPixels } from "../../../nonlocal_core/viewer/model/pixel_tables.js";

const { frames, inputHw, filter } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const hw = pixelGrid(frames.length, inputHw, filter.most);
const pooled = frames.map((frame) => pooledPixels(Buffer.from(frame, "base64"), inputHw, hw));
const tables = Object.entries(filter.vectors).map(([name, vectors]) => {
  const { theta, phi } = pixelTables(pooled, hw, vectors);
  return [name, { theta: [...theta.values], phi: [...phi.values], rows: theta.rows, hw: theta.hw }];
});
console.log(JSON.stringify({ hw, tables: Object.fromEntries(tables) }));
