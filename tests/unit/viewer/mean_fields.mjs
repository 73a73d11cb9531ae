// Labels as the browser passes them on: reads { rows, cols, colours, kernels, labels, steps } from a JSON file, prints the probability
// of the thing before the first step and after each.

import { readFileSync } from "node:fs";
import { meanField } from "../../../nonlocal_core/viewer/model/mean_field.js";

const { labels, steps, ...asked } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const found = [...meanField(asked, new Map(labels), steps)].filter((each) => each !== null);
console.log(JSON.stringify(found.map((each) => [...each])));
