/** Notifications of the operating system, for those who asked for them. */
import { text } from "../../text/index.ts";

export type Notifications = "unsupported" | "off" | "on" | "blocked";

const KEY = "ioe.notifications";

export function mayNotify(): Notifications {
  if (typeof Notification === "undefined") return "unsupported";
  if (Notification.permission === "denied") return "blocked";
  return Notification.permission === "granted" && localStorage.getItem(KEY) === "on" ? "on" : "off";
}

/** Asks the person; browsers want this after a click only. */
export async function wantNotifications(): Promise<Notifications> {
  localStorage.setItem(KEY, "on");
  await Notification.requestPermission();
  return mayNotify();
}

/** Tells it outside of the page, unless the person is looking at the page anyway. */
export function notify(sentence: string): void {
  if (mayNotify() !== "on" || !document.hidden) return;
  const options = { body: sentence, icon: "/icon-192.png" };
  const show = async () => {
    // Phones allow it to the service worker only.
    const worker = await navigator.serviceWorker?.getRegistration();
    if (worker) await worker.showNotification(text.appName, options);
    else new Notification(text.appName, options);
  };
  show().catch((error: unknown) => console.warn("notification", error));
}
