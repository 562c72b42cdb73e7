import { useSyncExternalStore } from "react";

let isAsked = false;

function subscribe(listener: () => void) {
  const media = matchMedia("print");
  const begin = () => {
    isAsked = true;
    listener();
  };
  const end = () => {
    isAsked = false;
    listener();
  };
  window.addEventListener("beforeprint", begin);
  window.addEventListener("afterprint", end);
  media.addEventListener("change", listener);
  return () => {
    window.removeEventListener("beforeprint", begin);
    window.removeEventListener("afterprint", end);
    media.removeEventListener("change", listener);
  };
}

/** Whether the page goes to paper: what is only printed, and may be long, need not be there before. */
export const usePrinting = () => useSyncExternalStore(subscribe, () => isAsked || matchMedia("print").matches);
