// Keeps the address what the page shows. It replaces, so that Back leaves the page and undoes no choice on it.
export default function ({ data }) {
  const wanted = new URL(window.location.href);
  wanted.search = data.query;
  if (wanted.href !== window.location.href) window.history.replaceState(window.history.state, "", wanted);
}
