import { useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { useFeed, useFills, useFormat, useLedger, useZone } from "../../data/index.ts";
import { HistoryPlace } from "../../history/index.ts";
import { text } from "../../text/index.ts";
import { Button, Dialog, Empty, Icon } from "../../ui/index.ts";
import { useSession } from "../../wallet/index.ts";
import { type News, newsOf, seenOf } from "./news.ts";
import { mayNotify, notify, wantNotifications } from "./system.ts";

/** The account's news; undefined while the ledger is read. */
function useNews(account: string | undefined): News[] | undefined {
  const ledger = useLedger();
  const cleared = ledger
    ? [...ledger.orders.values()].filter(
        (order) =>
          account !== undefined &&
          !order.settled &&
          order.account.toLowerCase() === account.toLowerCase() &&
          ledger.auctions.get(order.slot)?.cleared,
      )
    : [];
  const fills = useFills(cleared.map(({ id }) => id));
  return ledger && account && fills ? newsOf(ledger, account, fills) : undefined;
}

/** A bell with what happened since it was last opened. */
export function NewsButton() {
  const account = useSession().account;
  // An account's own state: another account starts anew.
  return account ? <Bell key={account} account={account} /> : null;
}

function Bell({ account }: { account: string }) {
  const zone = useZone();
  const format = useFormat();
  const { head } = useFeed();
  const news = useNews(account);
  const [open, setOpen] = useState(false);
  const key = `ioe.news.${zone.id}.${account.toLowerCase()}`;
  const [kept, setKept] = useState(() => localStorage.getItem(key));
  const told = useRef<Set<string>>(undefined);
  const words = text.notices;
  const seen = news && seenOf(kept, news);
  const unread = news?.filter(({ id }) => !seen?.has(id)) ?? [];
  const ids = news?.map(({ id }) => id).join();

  const keep = () => {
    const all = JSON.stringify(news?.map(({ id }) => id) ?? []);
    localStorage.setItem(key, all);
    setKept(all);
  };
  useEffect(() => {
    if (!news) return;
    if (kept === null) keep();
    // Only what happens while the page is open is told outside of it.
    const before = told.current;
    told.current = new Set(news.map(({ id }) => id));
    if (before) for (const each of news.filter(({ id }) => !before.has(id))) notify(each.say(format));
  }, [ids]);

  // The person may have changed it in the dialog or in the browser's settings.
  useEffect(() => head.watchHidden(mayNotify() === "on"));

  return (
    <>
      <button
        type="button"
        onClick={() => setOpen(true)}
        aria-label={unread.length > 0 ? `${words.open}: ${words.unread(unread.length)}` : words.open}
        title={words.open}
        data-testid="news"
        data-unread={unread.length}
        className="relative grid size-10 place-items-center rounded-xl text-muted hover:bg-sunken hover:text-ink"
      >
        <Icon name="bell" />
        {unread.length > 0 && (
          <span
            aria-hidden="true"
            className="absolute top-1.5 right-1.5 size-2.5 rounded-full bg-sun-fill outline-2 outline-bg"
          />
        )}
      </button>
      <span className="sr-only" role="status">
        {unread[0]?.say(format)}
      </span>
      {open && (
        <Dialog
          title={words.title}
          closeLabel={text.close}
          testId="news-dialog"
          onClose={() => {
            keep();
            setOpen(false);
          }}
        >
          {!news ? (
            <HistoryPlace className="min-h-40" />
          ) : news.length === 0 ? (
            <Empty icon="bell" title={words.none}>
              {words.noneNote}
            </Empty>
          ) : (
            <ul className="divide-y divide-line">
              {news.map((each) => (
                <li key={each.id} className="flex items-start gap-2 py-3" data-testid="news-item">
                  <span
                    className={`mt-2 size-2 shrink-0 rounded-full ${seen?.has(each.id) ? "bg-transparent" : "bg-sun-fill"}`}
                  />
                  <Link
                    href={each.href}
                    onClick={() => {
                      keep();
                      setOpen(false);
                    }}
                    className="rounded hover:text-accent"
                  >
                    {each.say(format)}
                  </Link>
                </li>
              ))}
            </ul>
          )}
          <SystemSwitch />
        </Dialog>
      )}
    </>
  );
}

function SystemSwitch() {
  const [state, setState] = useState(mayNotify);
  const words = text.notices;
  if (state === "unsupported") return null;
  if (state === "off") {
    return (
      <Button
        variant="secondary"
        className="mt-3 w-full"
        data-testid="news-system"
        onClick={() => void wantNotifications().then(setState)}
      >
        {words.system}
      </Button>
    );
  }
  return (
    <p className="mt-3 text-sm text-muted" data-testid={`news-system-${state}`}>
      {state === "on" ? words.systemOn : words.systemBlocked}
    </p>
  );
}
