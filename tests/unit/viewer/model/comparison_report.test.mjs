// What is said about answers side by side.

import assert from "node:assert/strict";
import { test } from "node:test";
import { apartTitles, comparisonSpoken, differenceWords, figureRow, figureTitles, notesOf, paneWords, questionWords, whyNoDifference } from "../../../../nonlocal_core/viewer/model/comparison_report.js";
import { heatOf } from "../../../../nonlocal_core/viewer/model/heat.js";
import { ownOf } from "../../../../nonlocal_core/viewer/model/own.js";
import { sharesOf } from "../../../../nonlocal_core/viewer/model/affinity.js";
import { blockOf, grid, recipe, rowAnswer, usual } from "../records.mjs";

const figures = { spread: 1.6, ownCell: 0.125, ownFrame: 0.25, distance: 0.1, seconds: NaN, times: 3 };

/** A pane whose answer has these weights; asked from its first cell. */
function paneOf(values, where, facts = {}) {
  const block = blockOf(where, [1, 1, 1], { status: "trained", warning: "", ...facts });
  const answer = rowAnswer(values, where);
  const answered = { block, answer, asked: where, cell: { t: 0, y: 0, x: 0 }, cells: [{ t: 0, y: 0, x: 0 }], taken: [], index: 0, own: ownOf(block, answer, [{ t: 0, y: 0, x: 0 }]), shares: sharesOf(answer) };
  return { number: 2, title: "Pane", block, bundle: { media: { warnings: [] } }, answered, figures, heat: heatOf(answer, answered.own, usual, recipe), missed: false };
}

const others = { ...usual, held: null, pinned: false };

test("titles lose the words that they share", () => {
  for (const [titles, shortened] of [
    [["Net, parameter-free", "Net with a block, gaussian"], ["Parameter-free", "With a block, gaussian"]],
    [["Net with a block, one", "Net with a block, two"], ["One", "Two"]],
    [["Net", "Net again"], ["Net", "Net again"]],
    [["Net", "Net"], ["Net", "Net"]],
  ]) assert.deepEqual(apartTitles(titles), shortened);
});

test("a pane says what its shown frame gets, and its sentence, which is the same for every frame", () => {
  const pane = paneOf([0.1, 0.1, 0.4, 0.1, 0.2, 0.1], grid(3, 1, 2));
  const [most, other] = [1, 2].map((shown) => paneWords(pane, { shown, held: shown === 2 }));
  assert.deepEqual([most.lead, most.figure, other.figure, other.held], ["2. Pane", "frame 2: 50 %", "frame 3: 30 %", true]);
  assert.equal(most.detail, "10 % stays on the spot itself, 20 % in its frame; the most elsewhere, 50 %, goes to frame 2.");
  assert.deepEqual([other.detail, other.limit], [most.detail, "full heat at 30× even share"]);
  assert.equal(paneWords({ ...pane, missed: true }, { shown: 1, held: false }).notice, "The network did not see this point: the nearest cell answers.");
});

test("a pane without weights says so, and an untrained block warns", () => {
  const pane = paneOf([0, 0, 0, 0], grid(2, 1, 2), { status: "untrained", warning: "Untrained." });
  const words = paneWords(pane, { shown: 0, held: false });
  assert.deepEqual([words.detail, words.limit, words.badge, words.warning, words.warns], ["", "", "untrained block", "Untrained.", true]);
  assert.match(words.notice, /Every weight is zero/);
  assert.equal(comparisonSpoken([pane]), "Pane: Looks nowhere: every weight is zero.");
});

test("a difference says what is taken from what, or why it cannot be", () => {
  const [one, two] = [paneOf([1, 0], grid(1, 1, 2)), paneOf([0, 1, 0], grid(1, 1, 3))];
  assert.equal(whyNoDifference(one.answered, one.answered), "");
  assert.match(whyNoDifference(one.answered, two.answered), /different cells, 1×1×2 and 1×1×3 \(T×H×W\)/);
  assert.match(whyNoDifference(one.answered, paneOf([1, 0], grid(1, 1, 2, [0, 0, 0.5, 1])).answered), /different parts of their frames/);
  const blocks = [{ warning: "Careful.", status: "trained" }, { warning: "Careful.", status: "untrained" }];
  const words = differenceWords({ first: 1, second: 3, blocks, peak: 2, reason: "" });
  assert.deepEqual([words.lead, words.detail], ["1 − 3", "warm: more in 1 · cold: more in 3"]);
  assert.deepEqual([words.limit, words.warning, words.warns, words.notice], ["full heat at ±2× even share", "Careful.", true, ""]);
  assert.match(differenceWords({ first: 1, second: 3, blocks, peak: 0, reason: "" }).notice, /differ nowhere by more than an even share/);
  assert.equal(differenceWords({ first: 1, second: 3, blocks, peak: 0, reason: "Other cells." }).notice, "Other cells.");
});

test("the table has a column for each thing that there is to tell", () => {
  const pane = paneOf([0.5, 0.5], grid(1, 1, 2));
  const shape = { alone: true };
  assert.deepEqual(figureTitles(shape).length, figureRow(pane, pane, shape).length);
  assert.deepEqual(figureRow(pane, pane, shape), ["Pane", "2 of 2", "13 %", "10 % of the diagonal", "3×", "100 %"]);
  assert.equal(figureRow(pane, paneOf([1, 0, 0], grid(1, 1, 3)), shape).at(-1), "other cells");
  const whole = { alone: false };
  assert.equal(figureTitles(whole).length, figureRow(pane, pane, whole).length);
  assert.deepEqual(figureRow(pane, pane, whole).slice(5, 6), ["–"], "what is not a number is not written as one");
});

test("what must be known of panes is said once, with whose it is unless it is all's", () => {
  const pane = paneOf([0.5, 0.5], grid(1, 1, 2), { warning: "Careful." });
  const bundle = { media: { warnings: ["Cut off.", "Careful."] } };
  const [one, two] = [{ ...pane, title: "One", bundle }, { ...pane, title: "Two", block: { ...pane.block, warning: "Untrained." }, bundle: { media: { warnings: ["Cut off."] } } }];
  assert.deepEqual(notesOf([one, two]), ["One: Careful.", "Cut off.", "Two: Untrained."]);
  assert.deepEqual(notesOf([one]), ["Careful.", "Cut off."]);
  assert.deepEqual(notesOf([{ ...pane, block: { ...pane.block, warning: "" } }]), []);
});

test("the frame that is asked from names its clip where there are several", () => {
  const asked = { media: { pts_seconds: [0, 0.5], warnings: ["Cut off."] }, frame: 1, cell: { t: 1, y: 0, x: 3 }, state: others, alone: false };
  assert.deepEqual(questionWords({ ...asked, name: "" }), { question: "This spot of frame 2", where: "row 1, column 4 · 0.50 s · click to pin", clipWarning: "Cut off." });
  assert.equal(questionWords({ ...asked, name: "a.mp4" }).question, "a.mp4: this spot of frame 2");
  assert.equal(questionWords({ ...asked, name: "", alone: true, state: { ...others, pinned: true } }).where, "row 1, column 4");
});
