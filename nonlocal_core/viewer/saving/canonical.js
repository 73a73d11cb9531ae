// JSON as Python's json writes it with sorted keys and in ASCII, so that both compute one hash of the same header.

/** The text of a value; numbers have the digits that Python gives them. */
export function canonical(value) {
  if (typeof value === "string") return ascii(JSON.stringify(value));
  if (typeof value === "number") return numberText(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value ?? null);
  return `{${Object.keys(value).sort().filter((key) => value[key] !== undefined).map((key) => `${ascii(JSON.stringify(key))}:${canonical(value[key])}`).join(",")}}`;
}

/** A JSON text without letters beyond ASCII. */
export function ascii(text) {
  return text.replace(/[^ -~\n]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Both write the fewest digits that read back; Python goes over to exponents from 1e-5 down, JavaScript from 1e-7. */
function numberText(value) {
  const size = Math.abs(value);
  if (value === 0 || size >= 1e-4) return String(value);
  return value.toExponential().replace(/e-(\d)$/, "e-0$1");
}
