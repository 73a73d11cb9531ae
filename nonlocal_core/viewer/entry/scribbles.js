// The Streamlit component of scribbles: data is what controls/scribbles.js opens, in a list of one. Nothing is sent back.

import { Scribbles } from "../controls/scribbles.js";

const mounted = new WeakMap();

export default function component({ data, parentElement }) {
  if (!parentElement) return undefined; // it left the page while this script was loaded
  if (!mounted.has(parentElement)) {
    const scribbles = new Scribbles();
    parentElement.append(scribbles.root);
    mounted.set(parentElement, scribbles);
  }
  const scribbles = mounted.get(parentElement);
  scribbles.open(data[0]);
  return () => {
    scribbles.close();
    scribbles.root.remove();
    mounted.delete(parentElement);
  };
}
