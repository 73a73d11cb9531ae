// Keeps the page's files, so that it opens without a network. VERSION, FILES and LATER stand before this script: LATER are
// those that are kept once the page says that it uses them.

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(VERSION).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const old = (names) => names.filter((name) => name.startsWith("nonlocal-") && name !== VERSION);
  event.waitUntil(caches.keys().then((names) => Promise.all(old(names).map((name) => caches.delete(name)))).then(() => self.clients.claim()));
});

self.addEventListener("message", (event) => {
  if (event.data === "later") event.waitUntil(caches.open(VERSION).then((cache) => cache.addAll(LATER)));
});

// The page itself is asked for again where there is a network; all else has its content in its name.
self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || new URL(request.url).origin !== location.origin) return;
  const kept = () => caches.match(request, { ignoreSearch: true });
  event.respondWith(request.mode === "navigate" ? fetch(request).catch(kept) : kept().then((found) => found ?? fetch(request)));
});
