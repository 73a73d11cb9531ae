// Frames that do not vary from place to place: what nonlocal_core/media/one_colour.py says of them.

/** Levels of 255 by which no channel of a frame of one colour varies: as much as a codec adds. */
const SAME_LEVELS = 8;

/** What must be said of `count` frames none of which varies, empty for others. `pixels(index)`: those of a frame, RGBA. */
export function oneColourWords(count, pixels) {
  for (let index = 0; index < count; index++) if (varies(pixels(index))) return "";
  return `${count === 1 ? "The picture is" : "Every frame is"} of one colour: what is looked at comes from the network, such as from its border, not from a picture.`;
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
