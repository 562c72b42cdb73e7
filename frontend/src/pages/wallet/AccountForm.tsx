import type { Address } from "@ioe/protocol";
import { useState } from "react";
import { isAddress, zeroAddress } from "viem";
import { sameAddress, useFormat } from "../../data/index.ts";
import { sessionReasons } from "../../forms/index.ts";
import type { Reason } from "../../text/index.ts";
import { TextInput } from "../../ui/index.ts";
import { ActionButton, type Sent, useSession } from "../../wallet/index.ts";

/** Names another account for something of one's own, or takes it back. */
export function AccountForm(props: {
  label: string;
  set: (account: string) => string;
  onSet: (account: Address) => Promise<Sent>;
  clear: string;
  /** Nothing to take back, and why. */
  nothing: Reason | undefined;
  onClear: () => Promise<Sent>;
  testId: string;
}) {
  const { label, set, onSet, clear, nothing, onClear, testId } = props;
  const format = useFormat();
  const session = useSession();
  const [typed, setTyped] = useState("");
  const wanted = typed.trim();
  const reasons: Reason[] = sessionReasons(session.kind);
  if (wanted === "") reasons.push({ code: "addressMissing" });
  else if (!isAddress(wanted) || wanted === zeroAddress) reasons.push({ code: "addressInvalid" });
  else if (sameAddress(wanted, session.account)) reasons.push({ code: "ownAccount" });

  async function name() {
    const sent = await onSet(wanted as Address);
    if (sent.receipt) setTyped("");
    return sent;
  }
  return (
    <form className="space-y-2" onSubmit={(event) => event.preventDefault()}>
      <TextInput
        label={label}
        inputMode="text"
        placeholder="0x…"
        value={typed}
        onChange={setTyped}
        testId={`${testId}-account`}
      />
      <div className="grid gap-2 sm:grid-cols-2">
        <ActionButton
          reasons={reasons}
          label={set(format.address(wanted))}
          onAct={name}
          testId={`${testId}-set`}
          variant="secondary"
        />
        <ActionButton
          reasons={nothing ? [nothing] : sessionReasons(session.kind)}
          label={clear}
          onAct={onClear}
          testId={`${testId}-clear`}
          variant="secondary"
        />
      </div>
    </form>
  );
}
