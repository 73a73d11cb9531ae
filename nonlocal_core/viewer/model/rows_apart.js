// How far two readings of one block are apart: the same question, from tables that two engines made.

import { rowOf } from "./affinity.js";

/** The largest difference between the rows of a cell in two blocks, as a part of the largest weight; NaN where one is no number. */
export function rowApart(block, other, cell) {
  const [row, second] = [rowOf(block, cell).values, rowOf(other, cell).values];
  let [apart, largest] = [0, 0];
  for (let i = 0; i < row.length; i++) {
    apart = Math.max(apart, Math.abs(row[i] - second[i]));
    largest = Math.max(largest, Math.abs(row[i]));
  }
  return apart === 0 ? 0 : apart / largest;
}
