// Keeps every file of this Space, so that the page works without a network after the first visit.
const NAME = "fasrgan-VERSION"; // the build writes a hash of the files here
const PAGE = FILES; // the build writes the files of the page here

self.addEventListener("install", (event) => {
  const fill = caches.open(NAME).then((cache) => cache.addAll(PAGE));
  event.waitUntil(fill.then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(removeOthers().then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const isOurs = event.request.method === "GET" && event.request.url.startsWith(self.registration.scope);
  if (isOurs) event.respondWith(answer(event.request));
});

async function removeOthers() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== NAME && name.startsWith("fasrgan-")).map((name) => caches.delete(name)));
}

async function answer(request) {
  const cache = await caches.open(NAME);
  const known = await cache.match(request, { ignoreSearch: true });
  if (known) return known;
  const reply = await fetch(request);
  if (reply.status === 200) await cache.put(request, reply.clone());
  return reply;
}
