/** Makes the page installable. In development nothing is kept, so that every change is seen. */
export function registerServiceWorker(): void {
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  // This script's own name changes with every build, and a new shell with it.
  const version = new URL(import.meta.url).pathname.split("/").pop() ?? "";
  navigator.serviceWorker
    .register(`/sw.js?v=${encodeURIComponent(version)}`)
    .catch((error: unknown) => console.warn("no service worker", error));
}
