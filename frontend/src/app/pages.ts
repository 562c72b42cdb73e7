/** The pages by their paths; each is a script of its own. */
import { type ComponentType, lazy } from "react";

const SCRIPTS: Record<string, () => Promise<{ default: ComponentType }>> = {
  "/": () => import("../pages/market/index.ts"),
  "/auction": () => import("../pages/auction/index.ts"),
  "/deliveries": () => import("../pages/deliveries/index.ts"),
  "/energy": () => import("../pages/energy/index.ts"),
  "/wallet": () => import("../pages/wallet/index.ts"),
  "/operator": () => import("../pages/operator/index.ts"),
  "/debug": () => import("../pages/debug/index.ts"),
  "/bills": () => import("../pages/bills/index.ts"),
};

export const PAGES = Object.entries(SCRIPTS).map(([path, load]) => ({ path, page: lazy(load) }));

export type FirstPage = { path: string; page: ComponentType } | undefined;

/**
 * The page to begin with, fetched while the chain is still being asked. React would show an empty place for 0.3 s, however
 * soon the page is there.
 */
export async function fetchFirst(path: string): Promise<FirstPage> {
  try {
    const script = await SCRIPTS[path]?.();
    return script && { path, page: script.default };
  } catch {
    return undefined; // it is asked for again when it is shown, and says then what is wrong
  }
}
