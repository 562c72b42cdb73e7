/** Starts the dApp: language, deployment, chain, wallets, then the pages. */
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { loadDeployment, openFeed, openZone } from "../data/index.ts";
import { createFormat } from "../format/index.ts";
import { changeLanguage, type Language, startLanguage } from "../text/language.ts";
import { createWalletConfig, resumeTransactions } from "../wallet/index.ts";
import { App } from "./App.tsx";
import { fetchFirst } from "./pages.ts";
import { Crashed, Loading, type Obstacle, StartProblem } from "./Start.tsx";

const RETRY_MS = 3_000;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export async function start(element: HTMLElement): Promise<void> {
  const locale = await startLanguage();
  const root = createRoot(element);
  root.render(<Loading />);
  const fetching = fetchFirst(window.location.pathname);
  try {
    for (;;) {
      const loaded = await loadDeployment();
      let obstacle: Obstacle | undefined;
      if (loaded.kind === "ready") {
        const opened = await openZone(loaded.deployment, locale);
        if (opened.kind === "ready") {
          let feed = openFeed(opened.zone, opened.head);
          resumeTransactions(feed);
          const wallets = createWalletConfig(opened.zone);
          const first = await fetching;
          const render = (key: string) =>
            root.render(
              <StrictMode>
                <App key={key} {...{ feed, first, wallets }} onLanguage={(language) => void change(language)} />
              </StrictMode>,
            );
          // Everything is built anew: words and figures are read while rendering.
          const change = async (language: Language) => {
            const { units } = feed.zone.format;
            const format = createFormat({ ...units, locale: await changeLanguage(language) });
            feed = { ...feed, zone: { ...feed.zone, format } };
            render(language);
          };
          render("first");
          return;
        }
        obstacle = opened;
      } else {
        obstacle = loaded;
      }
      root.render(<StartProblem obstacle={obstacle} />);
      await pause(RETRY_MS);
    }
  } catch (error) {
    root.render(<Crashed message={(error as Error).message} />);
    throw error;
  }
}
