// Frames that do not vary from place to place: what nonlocal_core/media/one_colour.py says of them.

/** Levels of 255 by which no channel of a frame of one colour varies: as much as a codec adds. */
const SAME_LEVELS = 8;

/** Pictures that vary: those of a camera stay in its clip for some turns. */
const varied = new WeakSet();

/** What must be said of pictures none of which varies, empty for others. `pixels(picture)`: bytes R, G, B, A. */
export function oneColourWords(pictures, pixels) {
  if (pictures.some((picture) => varied.has(picture))) return "";
  const varying = pictures.findLast((picture) => varies(pixels(picture)));
  if (varying) varied.add(varying);
  return varying ? "" : `${pictures.length === 1 ? "The picture is" : "Every frame is"} of one colour: what is looked at comes from the network, such as from its border, not from a picture.`;
}

function varies(rgba) {
  const [least, most] = [[255, 255, 255], [0, 0, 0]];
  for (let at = 0; at < rgba.length; at += 4) {
    for (let channel = 0; channel < 3; channel++) {
      const level = rgba[at + channel];
      if (level < least[channel]) least[channel] = level;
      if (level > most[channel]) most[channel] = level;
      if (most[channel] - least[channel] > SAME_LEVELS) return true;
    }
  }
  return false;
}
