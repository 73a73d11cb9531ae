// When the frames of a film appear, as its container tells: MP4 (ISO/IEC 14496-12), Matroska and WebM (RFC 9559). For browsers that do
// not tell which frame of a video they show.

const EBML = 0x1a45dfa3;
/** Elements of Matroska whose contents are looked through, and those that are read. */
const [SEGMENT, INFO, TRACKS, TRACK, CLUSTER, GROUP] = [0x18538067, 0x1549a966, 0x1654ae6b, 0xae, 0x1f43b675, 0xa0];
const LOOKED_THROUGH = new Set([SEGMENT, INFO, TRACKS, TRACK, CLUSTER, GROUP]);
const [TIMESTAMP_SCALE, TRACK_NUMBER, TRACK_TYPE, TIMESTAMP, SIMPLE_BLOCK, MATROSKA_BLOCK] = [0x2ad7b1, 0xd7, 0x83, 0xe7, 0xa3, 0xa1];
const IS_VIDEO = 1;
/** Frames of a film that are counted: four hours, the longest clip that is read, at 120 a second. */
const MOST_FRAMES = 1_728_000;

/** Ascending seconds of all frames of the first video; null where the container is another, is damaged, or tells them in fragments. */
export function filmTimes(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const times = view.getUint32(0) === EBML ? matroskaTimes(view) : mp4Times(view);
    return times.length ? times.sort((one, other) => one - other) : null;
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return null; // it ends, or a part is missing
    throw error;
  }
}

function mp4Times(view) {
  const movie = { start: 0, stop: view.byteLength };
  const trackOf = (box) => boxAt(view, box, "mdia hdlr");
  const moov = boxAt(view, movie, "moov");
  const video = boxesIn(view, moov).find((box) => box.type === "trak" && typeAt(view, trackOf(box).start + 8) === "vide");
  const [stts, ctts] = ["stts", "ctts"].map((name) => boxAt(view, video, `mdia minf stbl ${name}`));
  const shift = shiftOf(view, boxAt(view, video, "edts elst"), { movie: ticksIn(view, boxAt(view, moov, "mvhd")), own: ticksIn(view, boxAt(view, video, "mdia mdhd")) });
  const offsets = ctts ? runsIn(view, ctts) : [];
  let decoded = 0;
  return runsIn(view, stts).map((step, index) => {
    const shown = decoded + (offsets[index] ?? 0);
    decoded += step;
    return shift(shown);
  }).filter((second) => second > -1e-6); // what comes before the film begins is decoded, not shown
}

function boxesIn(view, { start, stop }) {
  const boxes = [];
  for (let at = start; at + 8 <= stop; ) {
    let [head, size] = [8, view.getUint32(at)];
    if (size === 1) [head, size] = [16, Number(view.getBigUint64(at + 8))];
    if (size === 0) size = stop - at;
    if (size < head) throw new RangeError("A box is smaller than its head.");
    boxes.push({ type: typeAt(view, at + 4), start: at + head, stop: Math.min(at + size, stop) });
    at += size;
  }
  return boxes;
}

/** The first box of a path of types, undefined where there is none. */
function boxAt(view, box, path) {
  return path.split(" ").reduce((found, type) => found && boxesIn(view, found).find((each) => each.type === type), box);
}

function typeAt(view, at) {
  return String.fromCharCode(...[0, 1, 2, 3].map((letter) => view.getUint8(at + letter)));
}

/** Ticks of a second in the head of a movie or of its track. */
function ticksIn(view, { start }) {
  return view.getUint32(start + (view.getUint8(start) === 1 ? 20 : 12));
}

/** The values of a table of runs, [count, value] each. */
function runsIn(view, { start, stop }) {
  const values = [];
  const count = Math.min(view.getUint32(start + 4), (stop - start - 8) / 8);
  for (let run = 0; run < count; run++) {
    const at = start + 8 + 8 * run;
    const times = view.getUint32(at);
    if (values.length + times > MOST_FRAMES) throw new RangeError(`A film has up to ${MOST_FRAMES} frames.`);
    for (let n = 0; n < times; n++) values.push(view.getInt32(at + 4));
  }
  return values;
}

/** What makes seconds of ticks: by the first edit that shows anything, after those that wait. */
function shiftOf(view, edits, ticks) {
  let [waits, from] = [0, 0];
  if (edits) {
    const { start } = edits;
    const [isLong, count] = [view.getUint8(start) === 1, view.getUint32(start + 4)];
    for (let n = 0, at = start + 8; n < count; n++, at += isLong ? 20 : 12) {
      const [lasts, begins] = isLong ? [Number(view.getBigUint64(at)), Number(view.getBigInt64(at + 8))] : [view.getUint32(at), view.getInt32(at + 4)];
      if (begins >= 0) {
        from = begins;
        break;
      }
      waits += lasts / ticks.movie;
    }
  }
  return (shown) => (shown - from) / ticks.own + waits;
}

/** All elements one after the other: those that are looked through do not hide what they hold, however long they say they are. */
function matroskaTimes(view) {
  let [scale, cluster, video, track] = [1e6, 0, null, {}];
  const times = [];
  for (let at = 0; at < view.byteLength; ) {
    const id = numberAt(view, at, true);
    const size = numberAt(view, at + id.length);
    const start = at + id.length + size.length;
    at = LOOKED_THROUGH.has(id.value) ? start : start + size.value;
    if (id.value === TRACK) track = {};
    else if (id.value === TIMESTAMP_SCALE) scale = wholeAt(view, start, size.value);
    else if (id.value === TIMESTAMP) cluster = wholeAt(view, start, size.value);
    else if (id.value === TRACK_NUMBER) track.number = wholeAt(view, start, size.value);
    else if (id.value === TRACK_TYPE) track.type = wholeAt(view, start, size.value);
    else if (id.value === SIMPLE_BLOCK || id.value === MATROSKA_BLOCK) {
      const { value, length } = numberAt(view, start);
      if (value === video) times.push(((cluster + view.getInt16(start + length)) * scale) / 1e9);
    }
    if (track.type === IS_VIDEO && video === null) video = track.number ?? null;
  }
  return times;
}

/** A number whose first bits tell its length, which an id keeps. */
function numberAt(view, at, isId = false) {
  const first = view.getUint8(at);
  if (first === 0) throw new RangeError("No number begins with so many zeros.");
  const length = Math.clz32(first) - 23;
  let value = isId ? first : first & (2 ** (8 - length) - 1);
  for (let byte = 1; byte < length; byte++) value = 256 * value + view.getUint8(at + byte);
  return { value, length };
}

function wholeAt(view, at, length) {
  let value = 0;
  for (let byte = 0; byte < length; byte++) value = 256 * value + view.getUint8(at + byte);
  return value;
}
