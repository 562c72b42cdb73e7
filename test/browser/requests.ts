/** What a page asks of the chain's node. */
import type { Page, Request } from "playwright-core";

/** One HTTP request: its methods in order. */
export interface Asked {
  methods: string[];
  /** The block that each call is asked of, a number or "latest". */
  calledAt: string[];
  /** The ranges of blocks whose logs were asked for. */
  ranges: { from: number; to: number }[];
}

interface Call {
  method: string;
  params: unknown[];
}

function askedIn(request: Request): Asked {
  const calls = [request.postDataJSON() as Call | Call[]].flat();
  return {
    methods: calls.map(({ method }) => method),
    calledAt: calls
      .filter(({ method }) => method === "eth_call")
      .map(({ params }) => JSON.stringify(params[1] ?? "latest")),
    ranges: calls
      .filter(({ method }) => method === "eth_getLogs")
      .map(({ params }) => params[0] as { fromBlock: string; toBlock: string })
      .map(({ fromBlock, toBlock }) => ({ from: Number(fromBlock), to: Number(toBlock) })),
  };
}

/** Looks for a new block: the page's clock, not a read. */
const isLook = ({ methods }: Asked) => methods.length === 1 && methods[0] === "eth_getBlockByNumber";

/** Everything from now on; `stop` gives the reads, looks for new blocks left out. */
export function watchRequests(page: Page, rpcUrl: string): { stop(): Asked[] } {
  const asked: Asked[] = [];
  const look = (request: Request) => {
    if (request.url().startsWith(rpcUrl) && request.method() === "POST") asked.push(askedIn(request));
  };
  page.on("request", look);
  return {
    stop() {
      page.off("request", look);
      return asked.filter((each) => !isLook(each));
    },
  };
}
