import { callAuctionAbi } from "@ioe/protocol/abi";
import {
  type AuctionRecord,
  type OrderRecord,
  tickPrice,
  useFills,
  useFormat,
  useLedger,
  useNow,
  useZone,
} from "../../data/index.ts";
import { HistoryPlace } from "../../history/index.ts";
import { text } from "../../text/index.ts";
import { Badge, Button, Card, CardTitle, type Column, PagedTable, Skeleton } from "../../ui/index.ts";
import { call, useMeterName, useSend, useSession } from "../../wallet/index.ts";
import { type OrderState, stateOf } from "./state.ts";
import { useSlotTime } from "./useSlotTime.ts";

interface Props {
  orders: readonly OrderRecord[] | undefined;
  onAmend: (order: OrderRecord) => void;
  className?: string;
}

const AT_ONCE = 8;

/** The person's orders until they are settled; until gate closure they can be taken back. */
export function OrdersCard({ orders, onAmend, className }: Props) {
  const zone = useZone();
  const format = useFormat();
  const session = useSession();
  const ledger = useLedger();
  const now = useNow();
  const time = useSlotTime();
  const meterName = useMeterName();
  const send = useSend();
  const words = text.auction.mine;
  const open = orders?.filter((order) => !order.settled);
  const auctions: ReadonlyMap<number, AuctionRecord> | undefined = ledger?.auctions;
  const fills = useFills(open?.filter((order) => auctions?.get(order.slot)?.cleared).map((order) => order.id) ?? []);
  const state = (order: OrderRecord) => stateOf(order, auctions?.get(order.slot), fills?.get(order.id), now, zone);

  const act = (order: OrderRecord, kind: OrderState["kind"]) => {
    const { CallAuction } = zone.contracts;
    const when = time.range(order.slot);
    if (kind === "open") {
      return (
        <span className="flex justify-end gap-1 wide:max-xl:flex-col wide:max-xl:items-end">
          <Button
            variant="quiet"
            data-testid="auction-amend"
            aria-label={words.amendName(format.energy(order.energy), when)}
            onClick={() => onAmend(order)}
          >
            {words.amend}
          </Button>
          <Button
            variant="secondary"
            className="whitespace-nowrap"
            data-testid="auction-cancel"
            aria-label={words.cancelName(format.energy(order.energy), when)}
            onClick={() =>
              void send(
                words.cancelTransaction(format.energy(order.energy), when),
                call(CallAuction, callAuctionAbi, "cancelOrders", [[order.id]]),
              )
            }
          >
            {words.cancel}
          </Button>
        </span>
      );
    }
    // Somebody does this for everybody, as a rule; nobody has to wait for it.
    if (kind !== "void" && kind !== "rejected") return null;
    return (
      <Button
        variant="secondary"
        className="w-full wide:w-auto"
        data-testid="auction-settle"
        onClick={() =>
          void send(words.settleTransaction(when), call(CallAuction, callAuctionAbi, "settle", [[order.id]]))
        }
      >
        {words.settle}
      </Button>
    );
  };
  const badge = (each: OrderState) => {
    switch (each.kind) {
      case "open":
        return <Badge tone="accent">{words.open(format.duration(each.until - now))}</Badge>;
      case "gateClosed":
        return <Badge tone="sun">{words.gateClosed}</Badge>;
      case "accepted":
        return <Badge tone="grid">{words.accepted(format.energy(each.filled))}</Badge>;
      case "rejected":
        return <Badge>{words.rejected}</Badge>;
      case "void":
        return <Badge>{words.void}</Badge>;
      case "reading":
        return <Skeleton className="h-5 w-24" />;
    }
  };

  const columns: Column<OrderRecord>[] = [
    {
      key: "order",
      title: words.column.order,
      hideTitleOnPhone: true,
      cell: (order) => (
        <span className="block">
          <Badge tone={order.side === "bid" ? "grid" : "sun"}>
            {order.side === "bid" ? text.auction.order.bid : text.auction.order.ask}
          </Badge>
          <span className="mt-1 block text-sm whitespace-nowrap text-muted">{meterName(order.meterId)}</span>
        </span>
      ),
    },
    { key: "slot", title: words.column.slot, cell: (order) => time.range(order.slot) },
    { key: "energy", title: words.column.energy, number: true, cell: (order) => format.energy(order.energy) },
    {
      key: "limit",
      title: words.column.limit,
      number: true,
      cell: (order) => (order.side === "bid" ? words.atMost : words.atLeast)(format.price(tickPrice(zone, order.tick))),
    },
    { key: "locked", title: words.column.locked, number: true, cell: (order) => format.moneyUp(order.locked) },
    { key: "state", title: words.column.state, cell: (order) => badge(state(order)) },
    {
      key: "action",
      title: words.action,
      number: true,
      hideTitleOnPhone: true,
      cell: (order) => act(order, state(order).kind),
    },
  ];
  return (
    <Card className={className} testId="auction-orders">
      <CardTitle>{words.title}</CardTitle>
      {!session.account ? (
        <p className="text-muted">{words.connect}</p>
      ) : !open ? (
        <HistoryPlace className="min-h-12" />
      ) : open.length === 0 ? (
        <p className="text-muted">{words.none}</p>
      ) : (
        <PagedTable
          caption={words.caption}
          columns={columns}
          rows={open}
          rowKey={(order) => String(order.id)}
          rowTestId="auction-order"
          size={AT_ONCE}
          words={text.pager}
          count={format.count}
        />
      )}
    </Card>
  );
}
