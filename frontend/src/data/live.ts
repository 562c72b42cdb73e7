import { useSyncExternalStore } from "react";
import { useNow } from "./chain.tsx";
import { type LiveFigures, parseLiveEvent, verifyLiveEvent } from "./liveEvent.ts";
import { readSigner } from "./meters.ts";
import { useZone, type Zone } from "./zone.ts";

/** Seconds after which a figure no longer counts as live. */
const STALE_AFTER = 5;

/**
 * none:        no oracle of the deployment shows this meter
 * connecting:  asked, nothing has come yet
 * live:        figures younger than five seconds, signed by the meter
 * stale:       the last figures are older than that
 * untrusted:   what comes is not signed by the meter's registered key and is not shown
 */
export type Live =
  | { state: "none" | "connecting" | "untrusted"; figures?: undefined }
  | { state: "live" | "stale"; figures: LiveFigures; ageSeconds: number };

interface Snapshot {
  figures?: LiveFigures;
  /** `performance.now()` of the last verified event. */
  receivedAt: number;
  untrusted: boolean;
}

const NOTHING: Snapshot = { receivedAt: 0, untrusted: false };

/** One connection per meter, shared by everything on the page that shows it, closed when nothing does. */
function openStream(zone: Zone, url: string, meterId: number) {
  let snapshot = NOTHING;
  let source: EventSource | undefined;
  const listeners = new Set<() => void>();
  const signers = new Map<number, Promise<string | null>>();
  const signerOf = (id: number, epoch: number) => {
    let signer = signers.get(epoch);
    if (!signer) {
      signer = readSigner(zone, id, epoch);
      signer.catch(() => signers.delete(epoch)); // asked again with the next event
      signers.set(epoch, signer);
    }
    return signer;
  };
  const set = (next: Snapshot) => {
    snapshot = next;
    for (const listener of listeners) listener();
  };
  async function take(text: string) {
    const event = parseLiveEvent(text);
    const figures =
      event && (await verifyLiveEvent(event, meterId, zone.registryDomain, signerOf).catch(() => undefined));
    if (!figures) {
      if (!snapshot.figures) set({ ...snapshot, untrusted: true });
      return;
    }
    // An older event, repeated, is no news.
    if (snapshot.figures && figures.takenAt < snapshot.figures.takenAt) return;
    set({ figures, receivedAt: performance.now(), untrusted: false });
  }
  return {
    get: () => snapshot,
    subscribe: (listener: () => void) => {
      listeners.add(listener);
      if (!source) {
        source = new EventSource(new URL(`v1/meters/${meterId}/live`, url.endsWith("/") ? url : `${url}/`));
        source.onmessage = (message) => void take(String(message.data));
      }
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        source?.close();
        source = undefined;
        snapshot = NOTHING;
      };
    },
  };
}

const streams = new Map<string, ReturnType<typeof openStream>>();
const noStream = { get: () => NOTHING, subscribe: () => () => undefined };

export function useLive(meterId: number): Live {
  const zone = useZone();
  const url = zone.deployment.oracles.find((oracle) => oracle.meterIds.includes(meterId))?.url;
  const key = `${zone.id}/${url}/${meterId}`;
  let stream = streams.get(key);
  if (url !== undefined && !stream) streams.set(key, (stream = openStream(zone, url, meterId)));
  const now = useNow();
  const { figures, receivedAt, untrusted } = useSyncExternalStore(
    (stream ?? noStream).subscribe,
    (stream ?? noStream).get,
  );
  if (url === undefined) return { state: "none" };
  if (!figures) return { state: untrusted ? "untrusted" : "connecting" };
  const age = Math.max((performance.now() - receivedAt) / 1000, Math.min(now, Date.now() / 1000) - figures.takenAt);
  return { state: age <= STALE_AFTER ? "live" : "stale", figures, ageSeconds: Math.round(age) };
}
