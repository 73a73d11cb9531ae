// Scores of guesses, as a file computes them: reads [{ question, marks }] from a JSON file, prints what scoreOf returns for each.

import { readFileSync } from "node:fs";
import { scoreOf } from "../../../nonlocal_core/viewer/model/guess.js";

console.log(JSON.stringify(JSON.parse(readFileSync(process.argv[2], "utf8")).map(({ question, marks }) => scoreOf(question, marks))));
