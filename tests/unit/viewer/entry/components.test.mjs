// Components of Streamlit, as it calls them: also for a place that left the page while their scripts were loaded.

import assert from "node:assert/strict";
import { test } from "node:test";

for (const name of ["streamlit", "guess", "scribbles"]) {
  test(`${name} does nothing for a place that left the page`, async () => {
    const { default: component } = await import(`../../../../nonlocal_core/viewer/entry/${name}.js`);
    assert.equal(component({ data: [{}], parentElement: null, setStateValue: assert.fail }), undefined);
  });
}
