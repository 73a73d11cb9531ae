// The tour that was made of a clip, kept in this browser tab: the server may miss an edit when the person leaves for another
// page at once, and it forgets everything when the page is loaded again.

const PREFIX = "nonlocal-tour ";

/** The stops that were kept for a clip, null for none. */
export function recallTour(clip) {
  const text = storage()?.getItem(PREFIX + clip);
  return text ? JSON.parse(text) : null;
}

export function rememberTour(clip, stops) {
  storage()?.setItem(PREFIX + clip, JSON.stringify(stops));
}

/** Reading it throws where the browser keeps nothing for this page. */
function storage() {
  try {
    return window.sessionStorage;
  } catch {
    return null;
  }
}
