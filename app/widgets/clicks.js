// A picture to click on, with a ring where it was clicked last. Only clicks leave it, in units of the picture.
export default function ({ data, parentElement, setTriggerValue }) {
  if (!parentElement) return undefined; // it left the page while this script was loaded
  const picture = parentElement.querySelector("img");
  const ring = parentElement.querySelector("i");
  picture.src = data.picture;
  picture.alt = data.alt;
  ring.style.left = `${100 * data.x}%`;
  ring.style.top = `${100 * data.y}%`;
  const part = (pixel, start, length) => Math.min(Math.max((pixel - start) / length, 0), 1);
  // Assigned, not added: this runs again whenever the picture changes.
  picture.onclick = (event) => {
    const box = picture.getBoundingClientRect();
    setTriggerValue("clicked", {
      x: part(event.clientX, box.left, box.width),
      y: part(event.clientY, box.top, box.height),
    });
  };
}
