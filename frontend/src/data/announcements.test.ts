import { expect } from "chai";
import { type AnnouncedLog, openAnnouncements } from "./announcements.ts";

const place = { blockNumber: 1n, blockHash: null, logIndex: null };
const [caller, target] = [`0x${"1".repeat(40)}`, `0x${"2".repeat(40)}`] as const;
const scheduled = (operationId: `0x${string}`, nonce: number, schedule: number): AnnouncedLog => ({
  ...place,
  eventName: "OperationScheduled",
  args: { operationId, nonce, schedule, caller, target, data: "0x" },
});
const over = (
  eventName: "OperationExecuted" | "OperationCanceled",
  operationId: `0x${string}`,
  nonce: number,
): AnnouncedLog => ({ ...place, eventName, args: { operationId, nonce } });

describe("announced calls", () => {
  it("are open until they are carried out or taken back", () => {
    const logs = [scheduled("0x0a", 1, 100), scheduled("0x0b", 1, 200), scheduled("0x0c", 1, 300)];
    expect(openAnnouncements([], logs).map(({ id }) => id)).to.deep.equal(["0x0a", "0x0b", "0x0c"]);
    const later = [...logs, over("OperationExecuted", "0x0a", 1), over("OperationCanceled", "0x0c", 1)];
    const rest = openAnnouncements(openAnnouncements([], logs), later.slice(logs.length));
    expect(rest, "carried forward").to.deep.equal(openAnnouncements([], later));
    expect(rest).to.deep.equal([{ id: "0x0b", caller, target, data: "0x", readyAt: 200 }]);
  });
  it("can be announced again, with another time", () => {
    const logs = [scheduled("0x0a", 1, 100), over("OperationCanceled", "0x0a", 1), scheduled("0x0a", 2, 500)];
    expect(openAnnouncements([], logs)).to.have.length(1);
    expect(openAnnouncements([], logs)[0]).to.include({ id: "0x0a", readyAt: 500 });
  });
});
