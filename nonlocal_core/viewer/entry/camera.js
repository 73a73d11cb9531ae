// A rolling clip of the camera: its last frames, of which each turn of the loop takes a new one.

/** Longest side that is asked of the camera; its pictures are shown and fed smaller anyway. */
const CAMERA_SIDE = 640;

export class Camera {
  #stream = null;
  #since = 0;

  constructor() {
    this.video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
  }

  get isOn() {
    return this.#stream !== null;
  }

  /** Ask for the camera and wait for its first picture. Throws an Error that a person can read. */
  async open() {
    if (!navigator.mediaDevices) throw new Error("A browser gives the camera to pages on https or on this computer (localhost) alone. Open the page there.");
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: CAMERA_SIDE } }, audio: false });
    } catch (error) {
      throw new Error(refusalOf(error));
    }
    this.video.srcObject = this.#stream;
    await this.video.play();
    this.#since = performance.now();
  }

  /** The picture of this moment, and its second since the camera was opened. */
  async take() {
    return { bitmap: await createImageBitmap(this.video), second: (performance.now() - this.#since) / 1000 };
  }

  close() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    this.video.srcObject = null;
  }
}

function refusalOf({ name, message }) {
  if (name === "NotAllowedError") return "The camera was refused. Allow it for this page in the browser's address bar, or open a file.";
  if (name === "NotFoundError") return "This computer has no camera that the browser can see. Open a file instead.";
  return `The camera could not be opened. ${message}`;
}
