import { useState } from "react";

export type Theme = "system" | "light" | "dark";
const ORDER: readonly Theme[] = ["system", "light", "dark"];
const KEY = "ioe.theme"; // read by index.html before the first paint

export function useTheme(): { theme: Theme; next: () => void } {
  const [theme, setTheme] = useState<Theme>(() => (document.documentElement.dataset.theme as Theme) ?? "system");
  return {
    theme,
    next() {
      const chosen = ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length] ?? "system";
      if (chosen === "system") {
        delete document.documentElement.dataset.theme;
        localStorage.removeItem(KEY);
      } else {
        document.documentElement.dataset.theme = chosen;
        localStorage.setItem(KEY, chosen);
      }
      setTheme(chosen);
    },
  };
}
