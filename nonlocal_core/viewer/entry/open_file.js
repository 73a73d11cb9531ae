// A picture, an animation or a video of the reader's own, decoded by the browser: { kind, name, bitmaps, seconds, warnings }.
// Which frames, says model/selection.js. What cannot be opened is an Error whose message a person can read.

import { filmTimes } from "../model/film_times.js";
import { pixelsOfPlanes } from "../model/planes.js";
import { chosenOf, evenMoments } from "../model/selection.js";
import { planesOf, shownSecond } from "./video_planes.js";

/** As nonlocal_core/media: what is read at once, the longest side that is shown, and the grey behind transparent parts. */
const MOST_PIXELS = 80e6;
const MOST_LISTED = 2000;
const LONG_SIDE = 1024;
const BEHIND = "rgb(128, 128, 128)";
const WAIT_MS = 15000;
/** Bytes of a file whose frames are looked for in it, for which all are in memory at once. */
const MOST_LOOKED_THROUGH = 2.5e8;
/** Files whose colour differences lie between the columns of luma; in all others, on the left one. */
const CENTRED = "video/webm";
const ANIMATED = new Set(["image/gif", "image/webp", "image/png", "image/avif"]);

export async function openFile(file, { frames, tell, signal }) {
  const opened = await (file.type.startsWith("video/") ? openVideo : openPicture)(file, { frames, tell, signal });
  return { name: file.name || "clip", warnings: [], ...opened };
}

async function openPicture(file, { frames, tell, signal }) {
  if (ANIMATED.has(file.type) && "ImageDecoder" in globalThis) {
    const animation = await openAnimation(file, { frames, tell, signal });
    if (animation) return animation;
  }
  const picture = await createImageBitmap(file).catch(() => {
    throw new Error(`${file.name || "This file"} is not a picture or a video that this browser can open. Save it as JPEG, PNG, WebP, GIF, MP4 or WebM.`);
  });
  return { kind: "image", bitmaps: [await shown(picture)], seconds: [0] };
}

/** The frames of an animation; null for a still picture. */
async function openAnimation(file, { frames, tell, signal }) {
  const decoder = new ImageDecoder({ data: await file.arrayBuffer(), type: file.type });
  try {
    await decoder.completed;
    await decoder.tracks.ready; // of what is in memory, the bytes are complete before they are looked at
    const count = decoder.tracks.selectedTrack?.frameCount ?? 1;
    if (count < 2) return null;
    if (count > MOST_LISTED) throw new Error(`${file.name} has ${count} frames; animations up to ${MOST_LISTED} are read. Save it as a video.`);
    const starts = [];
    for (let index = 0; index < count; index++) {
      signal.throwIfAborted();
      if (index % 10 === 0) tell("Reading frames", index, count);
      const { image } = await decoder.decode({ frameIndex: index });
      starts.push(image.timestamp / 1e6);
      image.close();
    }
    const bitmaps = [];
    const chosen = chosenOf(frames, starts);
    for (const index of chosen) bitmaps.push(await shown((await decoder.decode({ frameIndex: index })).image));
    return { kind: "animation", bitmaps, seconds: chosen.map((index) => starts[index]) };
  } catch (error) {
    if (error instanceof DOMException && error.name !== "AbortError") return null; // the browser's other decoder may know it
    throw error;
  } finally {
    decoder.close();
  }
}

async function openVideo(file, { frames, tell, signal }) {
  const video = Object.assign(document.createElement("video"), { muted: true, preload: "auto", playsInline: true, src: URL.createObjectURL(file) });
  try {
    await heard(video, "loadeddata", file);
    if (!("requestVideoFrameCallback" in video)) throw new Error("This browser cannot tell which frame of a video it shows. A newer one can; pictures can be opened here.");
    if (!Number.isFinite(video.duration)) {
      video.currentTime = 1e7; // a recording without a length has one once its end was sought
      await heard(video, "seeked", file);
    }
    const presented = await seek(video, Math.max(video.duration - 1e-3, 0), file);
    const starts = presented === video.currentTime ? await startsOf(file) : null; // Firefox tells the moment that was asked for
    const last = shownSecond(video) ?? presented;
    const spread = (first) => evenMoments(frames, last - first).map((moment) => ({ moment: first + moment + 1e-4 }));
    let moments = starts ? momentsIn(starts, frames, video.duration) : spread(0);
    const found = new Map();
    for (let index = 0; index < moments.length; index++) {
      signal.throwIfAborted();
      tell("Reading frames", index, moments.length);
      const { moment, start } = moments[index];
      const presented = await seek(video, Math.min(moment, video.duration), file); // on a busy computer, now and then of the frame before
      const told = shownSecond(video) ?? presented;
      if (!starts && index === 0) moments = spread(told); // which may come late
      const second = start ?? told;
      if (!found.has(second)) found.set(second, await frameOf(video, file));
    }
    const seconds = [...found.keys()].sort((a, b) => a - b);
    return { kind: "video", bitmaps: seconds.map((second) => found.get(second)), seconds: seconds.map((second) => second - seconds[0]) };
  } finally {
    URL.revokeObjectURL(video.src);
    video.removeAttribute("src");
    video.load();
  }
}

/** Seconds at which the frames of a file appear, null where it does not tell them. */
async function startsOf(file) {
  return file.size <= MOST_LOOKED_THROUGH ? filmTimes(new Uint8Array(await file.arrayBuffer())) : null;
}

/** Of the frames that are chosen, { start, moment } in the middle of the time that each is shown. */
function momentsIn(starts, count, end) {
  return chosenOf(count, starts.map((start) => start - starts[0])).map((index) => (
    { start: starts[index], moment: (starts[index] + (starts[index + 1] ?? Math.max(end, starts[index]))) / 2 }
  ));
}

/** The frame that a video shows: as Python makes it of its planes, as the browser draws it where it does not give them out. */
async function frameOf(video, file) {
  const planes = await planesOf(video, { isCentred: file.type === CENTRED });
  if (!planes) return shown(await createImageBitmap(video));
  const size = shownSize(video.videoWidth, video.videoHeight);
  const [width, height] = planes.rotation % 180 ? [...size].reverse() : size;
  return turned(await createImageBitmap(new ImageData(pixelsOfPlanes(planes, [height, width]), width)), size, planes.rotation);
}

/** A bitmap turned by whole right angles, clockwise, to a width and height. */
function turned(bitmap, [width, height], degrees) {
  if (degrees === 0) return bitmap;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  const [cos, sin] = [Math.cos, Math.sin].map((part) => Math.round(part((degrees * Math.PI) / 180)));
  context.imageSmoothingEnabled = false;
  context.setTransform(cos, sin, -sin, cos, cos - sin < 0 ? width : 0, cos + sin < 0 ? height : 0);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas.transferToImageBitmap();
}

/** Show the frame at a moment and return when it appears. */
async function seek(video, second, file) {
  const presented = new Promise((resolve) => video.requestVideoFrameCallback((_, { mediaTime }) => resolve(mediaTime)));
  video.currentTime = second;
  await heard(video, "seeked", file);
  // A frame that is on screen already is not presented again everywhere.
  return Promise.race([presented, new Promise((resolve) => setTimeout(() => resolve(video.currentTime), 500))]);
}

function heard(video, event, file) {
  return new Promise((resolve, reject) => {
    const broken = () => reject(new Error(`${file.name || "This video"} cannot be decoded by this browser. Save it as H.264 (MP4) or VP9 (WebM).`));
    const late = setTimeout(broken, WAIT_MS);
    const done = (then) => () => {
      clearTimeout(late);
      then();
    };
    video.addEventListener(event, done(resolve), { once: true });
    video.addEventListener("error", done(broken), { once: true });
  });
}

/** A bitmap of a decoded picture as it is shown: at most so large, over grey where it is transparent. */
async function shown(picture) {
  try {
    const canvas = new OffscreenCanvas(...shownSize(picture.width ?? picture.displayWidth, picture.height ?? picture.displayHeight));
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.fillStyle = BEHIND;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    return canvas.transferToImageBitmap();
  } finally {
    picture.close();
  }
}

/** Width and height at which a picture is shown. Throws an Error for one that is too large. */
function shownSize(width, height) {
  if (width * height > MOST_PIXELS) throw new Error(`It has ${width} × ${height} pixels; pictures up to ${MOST_PIXELS / 1e6} million pixels are read. Make it smaller.`);
  const part = Math.min(1, LONG_SIDE / Math.max(width, height));
  return [width, height].map((side) => Math.max(1, Math.round(side * part)));
}
