// Outlines of cells on a picture, and the walls of a window.

import { svg } from "./dom.js";
import { boundsOf } from "../model/grid.js";

/** The outline of cells together: their sides without those between two of them. */
export function outlineOf(grid, cells) {
  const there = new Set(cells.map(({ y, x }) => `${y},${x}`));
  return cells.map((cell) => {
    const { left, top, width, height } = boundsOf(grid, cell);
    const has = (dy, dx) => there.has(`${cell.y + dy},${cell.x + dx}`);
    return [
      !has(-1, 0) && `M${left} ${top}h${width}`, !has(1, 0) && `M${left} ${top + height}h${width}`,
      !has(0, -1) && `M${left} ${top}v${height}`, !has(0, 1) && `M${left + width} ${top}v${height}`,
    ].filter(Boolean).join("");
  }).join("");
}

/** The walls of a window over a picture: dashed, on a dark rim. */
export class Walls {
  constructor() {
    this.paths = ["nlv-rim", "nlv-wall-line"].map((name) => svg("path", { class: name, "vector-effect": "non-scaling-stroke" }));
    this.root = svg("svg", { class: "nlv-many", viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" }, ...this.paths);
    this.hide();
  }

  /** Show the walls around the cells of windows of a grid, walls of two that are the same once; none where there are no cells. */
  show(grid, windows, zoom) {
    const walls = [...new Set(windows.map((cells) => outlineOf(grid, cells)))].join("");
    if (walls === "") return this.hide();
    this.root.removeAttribute("hidden");
    this.root.setAttribute("viewBox", `${zoom.x} ${zoom.y} ${1 / zoom.scale} ${1 / zoom.scale}`);
    for (const path of this.paths) path.setAttribute("d", walls);
  }

  hide() {
    this.root.toggleAttribute("hidden", true);
  }
}
