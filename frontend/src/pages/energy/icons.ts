import type { MeterKind } from "../../data/index.ts";
import type { IconName } from "../../ui/index.ts";

/** What energy comes from and goes to. */
export const KIND_ICONS: Record<MeterKind | "mixed", IconName> = {
  load: "home",
  solar: "sun",
  wind: "wind",
  hydro: "drop",
  battery: "battery",
  grid: "grid",
  prosumer: "home",
  mixed: "leaf",
};
