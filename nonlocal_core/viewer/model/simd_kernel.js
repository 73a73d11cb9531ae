// A function of WebAssembly, written by its instructions: products of one vector with many rows, two numbers at a time, summed in float64.
//
// kernel(vector, row, stop, bytes, out, scale): for rows of `bytes` (float32, an even number of them) from address `row` on, writes
// scale * (vector . row) as float64 from `out` up to `stop`, four rows at a time: what follows the last row is read, and written past
// `stop`, by up to three rows. `vector` is float64. All are addresses in the memory that is imported as "m" of "m".

const [I32, F64, V128] = [0x7f, 0x7c, 0x7b];
const [VECTOR, ROW, STOP, BYTES, OUT, SCALE, AT, PLACE, VALUE, ...SUMS] = Array(13).keys();
const ROWS = SUMS.length;

/** A whole number as WebAssembly stores it. */
function leb128(number) {
  const bytes = [];
  for (; number > 127; number >>>= 7) bytes.push((number & 127) | 128);
  return [...bytes, number];
}

const list = (items) => [...leb128(items.length), ...items.flat()];
const section = (id, ...items) => [id, ...leb128(list(items).length), ...list(items)];
const get = (local) => [0x20, local];
const set = (local) => [0x21, local];
const tee = (local) => [0x22, local];
const constant = (number) => [0x41, number]; // less than 64
const simd = (code, ...rest) => [0xfd, ...leb128(code), ...rest];
const LOOP = [0x03, 0x40];
const END = [0x0b];
const AGAIN_IF_LESS = [0x49, 0x0d, 0]; // i32.lt_u, br_if 0
const PLUS = [0x6a];
const TWO_FLOAT64 = simd(0x00, 0, 0); // v128.load
const TWO_FLOAT32 = [...simd(0x5d, 0, 0), ...simd(0x5f)]; // v128.load64_zero, f64x2.promote_low_f32x4
const TIMES = simd(0xf2);
const SUM = simd(0xf0);
const ZERO = simd(0x0c, ...Array(16).fill(0));

/** Add to one of the sums the product of two numbers of its row. */
function added(sum, index) {
  const place = index === 0 ? get(PLACE) : [...get(PLACE), ...get(BYTES), ...PLUS, ...tee(PLACE)];
  return [...get(VALUE), ...place, ...TWO_FLOAT32, ...TIMES, ...get(sum), ...SUM, ...set(sum)];
}

/** Write both halves of a sum together, times the scale, as one float64. */
function written(sum, index) {
  const half = (lane) => [...get(sum), ...simd(0x21, lane)];
  return [...get(OUT), ...half(0), ...half(1), 0xa0, ...get(SCALE), 0xa2, 0x39, 0, 8 * index];
}

const BODY = [
  ...LOOP,
  ...SUMS.flatMap((sum) => [...ZERO, ...set(sum)]), ...constant(0), ...set(AT),
  ...LOOP,
  ...get(VECTOR), ...get(AT), ...constant(1), 0x74, ...PLUS, ...TWO_FLOAT64, ...set(VALUE), // a vector of float64 is twice as long
  ...get(ROW), ...get(AT), ...PLUS, ...set(PLACE),
  ...SUMS.flatMap(added),
  ...get(AT), ...constant(8), ...PLUS, ...tee(AT), ...get(BYTES), ...AGAIN_IF_LESS,
  ...END,
  ...SUMS.flatMap(written),
  ...get(ROW), ...get(BYTES), ...constant(2), 0x74, ...PLUS, ...set(ROW),
  ...get(OUT), ...constant(8 * ROWS), ...PLUS, ...tee(OUT), ...get(STOP), ...AGAIN_IF_LESS,
  ...END,
  ...END,
];
const LOCALS = list([[2, I32], [1 + ROWS, V128]]);
const NAME = list([[0x6d]]);
const BYTES_OF_KERNEL = Uint8Array.from([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
  ...section(1, [0x60, ...list([[I32], [I32], [I32], [I32], [I32], [F64]]), ...list([])]),
  ...section(2, [...NAME, ...NAME, 2, 0, 1]),
  ...section(3, [0]),
  ...section(7, [...NAME, 0, 0]),
  ...section(10, [...leb128(LOCALS.length + BODY.length), ...LOCALS, ...BODY]),
]);

/** The kernel over a memory. Throws a CompileError where the browser or a policy has no WebAssembly with SIMD. */
export function kernelOver(memory) {
  return new WebAssembly.Instance(new WebAssembly.Module(BYTES_OF_KERNEL), { m: { m: memory } }).exports.m;
}
