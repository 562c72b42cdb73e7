import { expect } from "chai";
import fc from "fast-check";
import {
  type AbiEvent,
  encodeAbiParameters,
  encodeEventTopics,
  getAddress,
  numberToHex,
  padHex,
  parseEventLogs,
  type RpcLog,
  toHex,
} from "viem";
import { decoderOf } from "./decode.ts";
import { LEDGER_EVENTS } from "./ledger.ts";

/** Any value of a type. */
function anyOf({ type }: Pick<AbiEvent["inputs"][number], "type">): fc.Arbitrary<unknown> {
  if (type === "bytes") return fc.uint8Array({ maxLength: 90 }).map((bytes) => toHex(bytes));
  if (type.endsWith("[]")) return fc.array(anyOf({ type: type.slice(0, -2) }), { maxLength: 4 });
  if (type === "bool") return fc.boolean();
  if (type === "address")
    return fc.bigInt(0n, 2n ** 160n - 1n).map((x) => getAddress(padHex(numberToHex(x), { size: 20 })));
  const bits = Number(/^uint(\d+)$/.exec(type)![1]);
  return fc.bigInt(0n, 2n ** BigInt(bits) - 1n).map((x) => (bits <= 48 ? Number(x) : x));
}

function logOf(event: AbiEvent, values: readonly unknown[]): RpcLog {
  const args = new Map(event.inputs.map(({ name }, i) => [name, values[i]]));
  const plain = event.inputs.filter(({ indexed }) => !indexed);
  return {
    address: padHex("0xa1", { size: 20 }),
    topics: encodeEventTopics({ abi: [event], args: Object.fromEntries(args) as object } as never),
    data: encodeAbiParameters(
      plain,
      plain.map(({ name }) => args.get(name)),
    ),
    blockNumber: "0x1f",
    blockTimestamp: "0x65000000",
    blockHash: padHex("0xb1", { size: 32 }),
    transactionHash: padHex("0xc1", { size: 32 }),
    transactionIndex: "0x0",
    logIndex: "0x7",
    removed: false,
  } as RpcLog;
}

describe("decoding of many logs", () => {
  const { decode, topics } = decoderOf(LEDGER_EVENTS);
  for (const event of LEDGER_EVENTS) {
    it(`reads ${event.name} as viem does`, () => {
      fc.assert(
        fc.property(fc.tuple(...event.inputs.map((input) => anyOf(input))), (values) => {
          const log = logOf(event, values);
          const [ours] = decode([log]);
          const [theirs] = parseEventLogs({ abi: LEDGER_EVENTS, logs: [log], strict: true });
          expect(ours).to.deep.include({ eventName: theirs!.eventName, args: theirs!.args });
          expect(ours).to.deep.include({
            blockNumber: 31n,
            blockTimestamp: 0x65000000n,
            logIndex: 7,
            transactionHash: log.transactionHash,
          });
        }),
        { numRuns: 50 },
      );
    });
  }
  it("asks for each event once and leaves out others", () => {
    expect(new Set(topics).size).to.equal(LEDGER_EVENTS.length);
    const event = { type: "event", name: "Other", inputs: [] } as const satisfies AbiEvent;
    expect(decode([logOf(event, [])])).to.deep.equal([]);
  });
});
