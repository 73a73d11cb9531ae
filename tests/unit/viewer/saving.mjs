// Writes the files of one question with the viewer's own modules; test_saving.py reads them with other programs.
// argv: folder with clip.nlvb, question.json { block, direction, points, beside, look } pictures 0.png, 1.png …, and
// film.json, pixels R, G, B, A of the frames of a GIF

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { askBlock } from "../../../nonlocal_core/viewer/model/answer.js";
import { figureLayout } from "../../../nonlocal_core/viewer/model/figure_layout.js";
import { cautionWords, fileNotes, fileQuestion, networkWords } from "../../../nonlocal_core/viewer/model/figure_words.js";
import { heatOf, peaksOf, togetherOf } from "../../../nonlocal_core/viewer/model/heat.js";
import { arrowsOf, lookIn } from "../../../nonlocal_core/viewer/model/look_words.js";
import { parseBundle } from "../../../nonlocal_core/viewer/model/parse.js";
import { startState } from "../../../nonlocal_core/viewer/model/state.js";
import { durationsOf } from "../../../nonlocal_core/viewer/drawing/film_pictures.js";
import { bundleFile } from "../../../nonlocal_core/viewer/saving/bundle_file.js";
import { gifOf } from "../../../nonlocal_core/viewer/saving/gif.js";
import { FILES } from "../../../nonlocal_core/viewer/saving/files.js";
import { animated, withText } from "../../../nonlocal_core/viewer/saving/png.js";

const folder = process.argv[2];
const file = readFileSync(join(folder, "clip.nlvb"));
const buffer = file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength);
const bundle = parseBundle(buffer);
const headerLength = new DataView(buffer).getUint32(8, true);
const { blocks: facts } = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 12, headerLength)));
const { block: name, direction, points, minus, beside, look } = JSON.parse(readFileSync(join(folder, "question.json"), "utf8"));

const index = bundle.blocks.findIndex((candidate) => candidate.name === name);
const block = bundle.blocks[index];
const [at, ...also] = points;
const pins = [...beside.map(([first, ...more]) => ({ at: first, also: more })), { at, also, minus }].map((pin) => askBlock(block, direction, pin, null));
const several = pins.length > 1;
const state = { ...startState(bundle), block: index, direction, at, also, minus, beside: beside.map(([first, ...more]) => ({ at: first, also: more })), ...lookIn(look, bundle.look) };
const drawing = { ...state, negatives: !several && (pins[0].answer.surplus || (block.signed && state.negatives)) };
let heats = pins.map((pin) => heatOf(pin.answer, pin.own, drawing, bundle.look));
if (several) heats = togetherOf(heats);
const count = Math.floor(arrowsOf(state, bundle.frames.length, bundle.look) / pins.length);
const arrows = Math.max(...pins.map((pin, i) => peaksOf(pin.answer, pin.own, heats[i], count, bundle.look).length));

const network = { model: bundle.model, weights: { "some.safetensors": "ab" }, blocks: facts };
const origin = { clip: { sha256: async () => "00" }, inputHw: [32, 64], network, device: "a browser", versions: { one: "1" } };
const save = async (to, blob) => writeFileSync(join(folder, to), new Uint8Array(await blob.arrayBuffer()));
for (const { suffix, make } of FILES.filter((kind) => [".npz", ".json"].includes(kind.suffix))) await save(`answer${suffix}`, await make({ bundle, pins, heats, state }, origin));

const stored = bundle.frames.map(({ bytes, type }) => new Blob([bytes], { type }));
await save("again.nlvb", await bundleFile(bundle, facts, { pictures: stored, view: bundle.view }));

const pictures = readdirSync(folder).filter((entry) => /^\d\.png$/.test(entry)).sort().map((entry) => new Uint8Array(readFileSync(join(folder, entry))));
writeFileSync(join(folder, "film.png"), withText(animated(pictures, [0.25, 0.04, 1]), "provenance", "from\na test"));

const film = JSON.parse(readFileSync(join(folder, "film.json"), "utf8")).map(({ width, height, bytes }) => ({ width, height, data: Uint8ClampedArray.from(Buffer.from(bytes, "base64")) }));
await save("film.gif", new Blob(await gifOf(film, [1 / 3, 1 / 3, 1 / 3, 0.001].slice(0, film.length), "from\na test".repeat(30))));

const seconds = bundle.media.pts_seconds[pins.at(-1).asked.frame_spans[pins.at(-1).cell.t][0]];
console.log(JSON.stringify({
  question: fileQuestion(pins.at(-1), bundle.frames.length, seconds), network: networkWords(bundle.model, block), cautions: cautionWords(pins.at(-1), bundle.media),
  notes: fileNotes(pins, heats, state, arrows), durations: durationsOf(bundle.media.pts_seconds),
  layouts: [1, 2, 5, 6, 9, 17].map((frames) => figureLayout(frames, [270, 480], { notes: frames % 3, pins: 1 + (frames % 2) })),
}));
