import type { ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { HistoryStatus } from "../history/index.ts";
import { text } from "../text/index.ts";
import type { Language } from "../text/language.ts";
import { classes, Icon, type IconName } from "../ui/index.ts";
import { hasAnyPower, usePowers, useZone } from "../data/index.ts";
import { AccountButton, NetworkNotice, Transactions, useSession } from "../wallet/index.ts";
import { NewsButton } from "./news/NewsButton.tsx";
import { useTheme } from "./theme.ts";

const PAGES = [
  { href: "/", name: "market" },
  { href: "/auction", name: "auction" },
  { href: "/deliveries", name: "deliveries" },
  { href: "/energy", name: "energy" },
  { href: "/wallet", name: "wallet" },
  { href: "/bills", name: "bills" },
] as const satisfies readonly { href: string; name: IconName }[];

/** Header, navigation (at the bottom on a phone, where the thumb is) and what is wrong with the connection. */
interface Props {
  children: ReactNode;
  onLanguage: (language: Language) => void;
}

export function Shell({ children, onLanguage }: Props) {
  const { isLocal } = useZone();
  return (
    <>
      <a
        href="#content"
        className="fixed top-2 left-2 z-50 -translate-y-20 rounded-lg bg-accent px-4 py-2 font-semibold text-accent-ink focus:translate-y-0 print:hidden"
      >
        {text.skip}
      </a>
      <header className="sticky top-0 z-30 border-b border-line bg-bg/90 backdrop-blur print:hidden">
        <div className="mx-auto flex h-16 max-w-6xl items-center justify-between gap-3 px-4 sm:px-6">
          <Link href="/" className="flex items-center gap-2.5 rounded-lg font-bold tracking-tight">
            <img src="/icon.svg" alt="" className="size-8" />
            <span className="hidden leading-tight sm:inline">{text.appName}</span>
            <span className="sr-only sm:hidden">{text.appName}</span>
          </Link>
          <Navigation className="hidden gap-1 lg:flex" wide />
          <div className="flex min-w-0 items-center gap-2 ">
            <NewsButton />
            <OperatorLink />
            <LanguageButton onLanguage={onLanguage} />
            <ThemeButton />
            <AccountButton />
          </div>
        </div>
      </header>
      <main id="content" tabIndex={-1} className="mx-auto max-w-6xl px-4 pt-6 pb-28 outline-none sm:px-6 lg:pb-16">
        <div className="mb-4 space-y-2 empty:hidden print:hidden">
          <NetworkNotice />
        </div>
        {/* The link below it lies outside of what is seen at first, so that it does not jump while a page comes in. */}
        <div className={isLocal ? "min-h-dvh print:min-h-0" : undefined}>{children}</div>
        {isLocal && (
          <p className="mt-8 text-sm print:hidden">
            <Link href="/debug" className="rounded text-muted underline hover:text-ink" data-testid="nav-debug">
              {text.debug.title}
            </Link>
          </p>
        )}
      </main>
      <Navigation className="fixed inset-x-0 bottom-0 z-30 grid grid-cols-6 border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] lg:hidden print:hidden" />
      <Transactions />
      <HistoryStatus />
    </>
  );
}

function Navigation({ className, wide = false }: { className: string; wide?: boolean }) {
  const [location] = useLocation();
  return (
    <nav aria-label={text.nav.label} className={className}>
      {PAGES.map(({ href, name }) => {
        const here = location === href;
        return (
          <Link
            key={href}
            href={href}
            aria-current={here ? "page" : undefined}
            data-testid={`nav-${name}`}
            className={classes(
              "font-medium",
              wide
                ? "flex min-h-10 items-center rounded-xl px-3"
                : "flex min-h-15 flex-col items-center justify-center gap-0.5 text-[0.66rem] -outline-offset-3 sm:text-xs",
              here ? "text-accent" : "text-muted hover:text-ink",
              here && wide && "bg-accent-soft",
            )}
          >
            {!wide && <Icon name={name} className="size-5.5" />}
            {text.nav[name]}
          </Link>
        );
      })}
    </nav>
  );
}

/** For those with a role in running the community. */
function OperatorLink() {
  const powers = usePowers(useSession().account);
  const [location] = useLocation();
  if (!hasAnyPower(powers)) return null;
  const here = location === "/operator";
  return (
    <Link
      href="/operator"
      aria-label={text.operator.open}
      title={text.operator.open}
      aria-current={here ? "page" : undefined}
      data-testid="nav-operator"
      className={classes(
        "grid size-10 place-items-center rounded-xl",
        here ? "bg-accent-soft text-accent" : "text-muted hover:bg-sunken hover:text-ink",
      )}
    >
      <Icon name="operator" />
    </Link>
  );
}

function LanguageButton({ onLanguage }: { onLanguage: (language: Language) => void }) {
  const { change, changeTo } = text.language;
  return (
    <button
      type="button"
      onClick={() => onLanguage(changeTo as Language)}
      lang={changeTo}
      aria-label={`${changeTo.toUpperCase()} · ${change}`}
      title={change}
      data-testid="language"
      className="grid size-10 place-items-center rounded-xl text-sm font-semibold text-muted uppercase hover:bg-sunken hover:text-ink"
    >
      {changeTo}
    </button>
  );
}

function ThemeButton() {
  const { theme, next } = useTheme();
  const label = text.theme.label(text.theme[theme]);
  return (
    <button
      type="button"
      onClick={next}
      aria-label={label}
      title={label}
      data-testid="theme"
      className="grid size-10 place-items-center rounded-xl text-muted hover:bg-sunken hover:text-ink"
    >
      <Icon name={theme === "system" ? "auto" : theme === "light" ? "sun" : "moon"} />
    </button>
  );
}
