import type { Hex } from "@ioe/protocol";
import { useState } from "react";
import { useFormat, useTransactionFacts, useZone } from "../data/index.ts";
import { text } from "../text/index.ts";
import { Skeleton } from "../ui/index.ts";
import { useAccountName } from "../wallet/index.ts";

/** A transaction: on the chain's block explorer, or, where there is none, what the node knows of it. */
export function TransactionRef({ hash }: { hash: Hex }) {
  const { deployment } = useZone();
  const format = useFormat();
  const [opened, setOpened] = useState(false);
  const words = text.deliveries.story;
  const name = words.transaction(format.address(hash));
  if (deployment.explorerUrl) {
    return (
      <a
        href={`${deployment.explorerUrl}/tx/${hash}`}
        target="_blank"
        rel="noreferrer"
        className="rounded text-sm text-accent underline"
        data-testid="transaction-link"
      >
        {name}
      </a>
    );
  }
  return (
    <details className="text-sm" onToggle={() => setOpened(true)} data-testid="transaction-link">
      <summary className="-mx-1 rounded px-1 text-accent">{name}</summary>
      <Facts hash={hash} isAsked={opened} />
    </details>
  );
}

function Facts({ hash, isAsked }: { hash: Hex; isAsked: boolean }) {
  const format = useFormat();
  const accountName = useAccountName();
  const facts = useTransactionFacts(hash, isAsked);
  const words = text.deliveries.story.facts;
  const rows: [string, string | undefined][] = [
    [words.hash, hash],
    [words.block, facts && format.count(Number(facts.block))],
    [words.time, facts && `${format.dateTime(facts.time)} (${format.timeWithSeconds(facts.time)})`],
    [words.from, facts && accountName(facts.from)],
    [words.to, facts && (facts.to ?? "–")],
    [words.gas, facts && format.count(Number(facts.gasUsed))],
  ];
  return (
    <dl className="mt-1 mb-2 space-y-1 rounded-lg bg-sunken p-3" data-testid="transaction-facts">
      {rows.map(([label, value]) => (
        <div key={label} className="flex flex-wrap justify-between gap-x-3">
          <dt className="text-muted">{label}</dt>
          <dd className="min-w-0 font-mono text-xs leading-5 break-all">
            {value ?? <Skeleton className="h-4 w-24" />}
          </dd>
        </div>
      ))}
    </dl>
  );
}
