import { chainNow } from "../data/head.ts";
import { useFormat, useHead, useSecond, useZone } from "../data/index.ts";
import { text } from "../text/index.ts";
import { Button, Notice } from "../ui/index.ts";
import { useFixNetwork, useSession } from "./session.ts";

/** What is wrong with the connection, if anything: the node is silent, or the wallet looks elsewhere. */
export function NetworkNotice() {
  const zone = useZone();
  const format = useFormat();
  const head = useHead();
  const second = useSecond();
  const session = useSession();
  const { fix, isPending, error } = useFixNetwork();
  const silentFor = head.lostSince === undefined ? 0 : second - head.lostSince / 1000;
  return (
    <>
      {silentFor >= 3 && (
        <Notice tone="bad" testId="rpc-lost">
          {text.connection.lost(format.duration(silentFor), format.timeWithSeconds(chainNow(head, head.receivedAt)))}
        </Notice>
      )}
      {session.kind === "wrongNetwork" && (
        <Notice
          tone="warning"
          testId="wrong-network"
          action={
            <Button variant="secondary" onClick={fix} busy={isPending} data-testid="switch-network">
              {text.connection.fix}
            </Button>
          }
        >
          {error ? text.connection.fixFailed : text.connection.wrongNetwork(zone.chain.name)}
        </Notice>
      )}
    </>
  );
}
