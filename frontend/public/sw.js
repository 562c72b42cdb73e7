/**
 * Keeps the shell of the page (HTML, scripts, styles, icons) so that it opens at once and without a network. Nothing else:
 * what the chain, the deployment file and the oracles say is never kept, because an old answer would look like a new one.
 */
const cacheName = `ioe-shell-${new URL(self.location.href).searchParams.get("v")}`;
const ICONS = ["/icon.svg", "/icon-192.png", "/manifest.webmanifest"];

const isShell = ({ pathname }) => pathname.startsWith("/assets/") || ICONS.includes(pathname);

self.addEventListener("install", (event) => {
  event.waitUntil(keepShell().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(dropOldShells().then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate") event.respondWith(pageFor(request));
  else if (isShell(url)) event.respondWith(keptOrFetched(request));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(showPage());
});

async function keepShell() {
  const cache = await caches.open(cacheName);
  const page = await fetch("/", { cache: "no-store" });
  const html = await page.clone().text();
  const assets = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((match) => match[1]);
  await cache.put("/", page);
  await cache.addAll([...assets, ...ICONS]);
}

async function dropOldShells() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== cacheName).map((name) => caches.delete(name)));
}

/** The newest page there is; without a network the one that was kept. */
async function pageFor(request) {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await (await caches.open(cacheName)).match("/");
    if (!kept) throw error;
    return kept;
  }
}

/** The names of assets change with their content, so that a kept one is never old. */
async function keptOrFetched(request) {
  const cache = await caches.open(cacheName);
  const kept = await cache.match(request);
  if (kept) return kept;
  const fetched = await fetch(request);
  if (fetched.ok) await cache.put(request, fetched.clone());
  return fetched;
}

async function showPage() {
  const [page] = await self.clients.matchAll({ type: "window" });
  await (page ? page.focus() : self.clients.openWindow("/"));
}
