// All modules of the viewer: each can be imported, and the folders know each other in one direction.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

const VIEWER = new URL("../../../nonlocal_core/viewer/", import.meta.url);
const FOLDERS = ["model", "drawing", "saving", "controls", "entry"]; // each may import from itself and from those before it
/** Modules that start a page, a worker or a keeper of files when they are imported. */
const STARTS = new Set(["page", "compared", "course", "site", "site_worker", "site_offline"].map((name) => `entry/${name}.js`));
const modules = FOLDERS.flatMap((folder) => readdirSync(new URL(folder, VIEWER)).filter((name) => name.endsWith(".js")).map((name) => `${folder}/${name}`));

test("every module's imports exist", async () => {
  for (const name of modules) {
    if (!STARTS.has(name)) await import(new URL(name, VIEWER));
  }
});

test("a folder imports from itself and from those before it", () => {
  for (const name of modules) {
    const reach = FOLDERS.slice(0, FOLDERS.indexOf(name.split("/")[0]) + 1);
    for (const [, path] of readFileSync(new URL(name, VIEWER), "utf8").matchAll(/ from "([^"]+)"/g)) {
      const [folder] = new URL(path, new URL(name, VIEWER)).href.slice(VIEWER.href.length).split("/");
      assert.ok(reach.includes(folder), `${name} imports ${path}`);
    }
  }
});

test("what is exported is imported somewhere, by the viewer or by a test", () => {
  const imports = (files) => files.flatMap((file) => [...readFileSync(file, "utf8").matchAll(/import \{([^}]+)\} from/g)].flatMap(([, names]) => names.split(",").map((name) => name.trim())));
  const tests = readdirSync(new URL(".", import.meta.url), { recursive: true }).filter((name) => name.endsWith(".mjs")).map((name) => new URL(name, import.meta.url));
  const imported = new Set([...imports(modules.map((name) => new URL(name, VIEWER))), ...imports(tests)]);
  for (const name of modules) {
    for (const [, exported] of readFileSync(new URL(name, VIEWER), "utf8").matchAll(/^export (?:async )?(?:function|class|const) (\w+)/gm)) {
      assert.ok(imported.has(exported), `${name} exports ${exported}, which nothing imports`);
    }
  }
});
