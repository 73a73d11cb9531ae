// The Streamlit component of a question to predict: data is what controls/guess.js opens, in a list of one. The marks are state
// of the component once the heat is shown.

import { Guess } from "../controls/guess.js";

const mounted = new WeakMap();

export default function component({ data, parentElement, setStateValue }) {
  if (!parentElement) return undefined; // it left the page while this script was loaded
  if (!mounted.has(parentElement)) {
    const guess = new Guess((marks) => mounted.get(parentElement).tell({ id: guess.question.id, marks }));
    parentElement.append(guess.root);
    mounted.set(parentElement, { guess });
  }
  const mount = mounted.get(parentElement);
  mount.tell = (revealed) => setStateValue("revealed", revealed);
  mount.guess.open(data[0]);
  return () => {
    mount.guess.root.remove();
    mounted.delete(parentElement);
  };
}
