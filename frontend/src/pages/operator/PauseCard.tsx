import { callAuctionAbi, directMarketAbi } from "@ioe/protocol/abi";
import { useAuctionPaused, useMarketPaused, useZone } from "../../data/index.ts";
import { text } from "../../text/index.ts";
import { Badge, Card, CardTitle } from "../../ui/index.ts";
import { call } from "../../wallet/index.ts";
import { PowerButton } from "./PowerButton.tsx";

/** Stops new offers, purchases and orders. What runs goes on, and everybody gets at his money. */
export function PauseCard({ className }: { className?: string }) {
  const { contracts } = useZone();
  const marketPaused = useMarketPaused();
  const auctionPaused = useAuctionPaused();
  const words = text.operator.pause;
  const rows = [
    {
      name: text.nav.market,
      paused: marketPaused,
      power: "pauseMarket",
      intended: call(contracts.DirectMarket, directMarketAbi, marketPaused ? "unpause" : "pause", []),
    },
    {
      name: text.nav.auction,
      paused: auctionPaused,
      power: "pauseAuction",
      intended: call(contracts.CallAuction, callAuctionAbi, auctionPaused ? "unpause" : "pause", []),
    },
  ] as const;
  return (
    <Card className={className} testId="pause-card">
      <CardTitle note={words.note}>{words.title}</CardTitle>
      <ul className="divide-y divide-line">
        {rows.map(({ name, paused, power, intended }) => (
          <li key={power} className="flex flex-wrap items-center gap-3 py-3 first:pt-0 last:pb-0">
            <span className="grow font-medium">{name}</span>
            <Badge tone={paused ? "sun" : "accent"}>{paused ? words.paused : words.running}</Badge>
            <PowerButton
              power={power}
              reasons={[]}
              label={paused ? words.resume : words.pause}
              title={(paused ? words.resumeTransaction : words.pauseTransaction)(name)}
              intended={intended}
              testId={power}
              className=""
              variant="secondary"
            />
          </li>
        ))}
      </ul>
    </Card>
  );
}
