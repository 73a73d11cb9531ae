// The Streamlit component of scribbles: data is what controls/scribbles.js opens, in a list of one. The labels are state of the
// component after each stroke.

import { Scribbles } from "../controls/scribbles.js";

const mounted = new WeakMap();

export default function component({ data, parentElement, setStateValue }) {
  if (!mounted.has(parentElement)) {
    const scribbles = new Scribbles((labels) => mounted.get(parentElement).tell({ id: scribbles.asked.id, labels }));
    parentElement.append(scribbles.root);
    mounted.set(parentElement, { scribbles });
  }
  const mount = mounted.get(parentElement);
  mount.tell = (drawn) => setStateValue("scribbled", drawn);
  mount.scribbles.open(data[0]);
  return () => {
    mount.scribbles.root.remove();
    mounted.delete(parentElement);
  };
}
