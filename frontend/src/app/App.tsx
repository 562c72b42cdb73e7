import { Component, type ReactNode, Suspense } from "react";
import { type Config, WagmiProvider } from "wagmi";
import { Route, Switch } from "wouter";
import { type ChainFeed, ChainProvider } from "../data/index.ts";
import { text } from "../text/index.ts";
import type { Language } from "../text/language.ts";
import { ButtonLink, PageTitle, Skeleton } from "../ui/index.ts";
import { WalletDialogProvider } from "../wallet/index.ts";
import { type FirstPage, PAGES } from "./pages.ts";
import { Shell } from "./Shell.tsx";
import { Crashed } from "./Start.tsx";

class Boundary extends Component<{ children: ReactNode }, { error?: Error }> {
  override state: { error?: Error } = {};
  static getDerivedStateFromError(error: Error) {
    return { error };
  }
  override render() {
    return this.state.error ? <Crashed message={this.state.error.message} /> : this.props.children;
  }
}

function NotFound() {
  return (
    <>
      <PageTitle title={text.notFound.title} lead={text.notFound.lead} />
      <ButtonLink href="/">{text.notFound.back}</ButtonLink>
    </>
  );
}

/** The place a page will take, so that nothing jumps when it arrives. */
const PagePlace = () => (
  <div aria-hidden="true">
    <Skeleton className="h-9 w-48" />
    <Skeleton className="mt-8 block h-64 w-full rounded-2xl" />
  </div>
);

interface Props {
  feed: ChainFeed;
  first: FirstPage;
  wallets: Config;
  onLanguage: (language: Language) => void;
}

export function App({ feed, first, wallets, onLanguage }: Props) {
  return (
    <Boundary>
      <WagmiProvider config={wallets}>
        <ChainProvider feed={feed}>
          <WalletDialogProvider>
            <Shell onLanguage={onLanguage}>
              <Boundary>
                <Suspense fallback={<PagePlace />}>
                  <Switch>
                    {PAGES.map(({ path, page }) => (
                      <Route key={path} path={path} component={path === first?.path ? first.page : page} />
                    ))}
                    <Route component={NotFound} />
                  </Switch>
                </Suspense>
              </Boundary>
            </Shell>
          </WalletDialogProvider>
        </ChainProvider>
      </WagmiProvider>
    </Boundary>
  );
}
