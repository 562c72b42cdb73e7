import { CONTRACT_NAMES, type ContractName } from "@ioe/protocol";
import {
  accessManagerAbi,
  callAuctionAbi,
  directMarketAbi,
  energyTokenAbi,
  meterRegistryAbi,
  paymentTokenAbi,
  tariffAbi,
  vaultAbi,
} from "@ioe/protocol/abi";
import { useState } from "react";
import type { Abi, AbiFunction } from "viem";
import { readContract } from "viem/actions";
import { useZone } from "../../data/index.ts";
import { text } from "../../text/index.ts";
import { Button, Card, CardTitle, Notice, PageTitle, Select, TextInput } from "../../ui/index.ts";
import { type Call, explain, useSend, useSession } from "../../wallet/index.ts";
import { parseValue, showValue } from "./values.ts";

const ABIS: Record<ContractName, Abi> = {
  AccessManager: accessManagerAbi,
  MeterRegistry: meterRegistryAbi,
  Vault: vaultAbi,
  Tariff: tariffAbi,
  EnergyToken: energyTokenAbi,
  DirectMarket: directMarketAbi,
  CallAuction: callAuctionAbi,
  PaymentToken: paymentTokenAbi,
};

const isRead = ({ stateMutability }: AbiFunction) => stateMutability === "view" || stateMutability === "pure";
/** Overloaded functions differ in their inputs. */
const signatureOf = ({ name, inputs }: AbiFunction) => `${name}(${inputs.map(({ type }) => type).join(",")})`;

export function Debug() {
  const zone = useZone();
  const [contract, setContract] = useState<ContractName>("DirectMarket");
  const [chosen, setChosen] = useState("");
  const words = text.debug;
  if (!zone.isLocal) return <PageTitle title={text.notFound.title} lead={text.notFound.lead} />;
  const functions = ABIS[contract]
    .filter((item): item is AbiFunction => item.type === "function")
    .sort((a, b) => a.name.localeCompare(b.name));
  const group = (reads: boolean) =>
    functions
      .filter((each) => isRead(each) === reads)
      .map((each) => (
        <option key={signatureOf(each)} value={signatureOf(each)}>
          {signatureOf(each)}
        </option>
      ));
  const item = functions.find((each) => signatureOf(each) === chosen) ?? functions.find(isRead) ?? functions[0]!;
  return (
    <>
      <PageTitle title={words.title} lead={words.lead} />
      <Card>
        <div className="mb-4 grid gap-4 sm:grid-cols-2">
          <Select
            label={words.contract}
            value={contract}
            onChange={(event) => setContract(event.target.value as ContractName)}
            testId="debug-contract"
            hint={<span className="font-mono break-all">{zone.contracts[contract]}</span>}
          >
            {CONTRACT_NAMES.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </Select>
          <Select
            label={words.function}
            value={signatureOf(item)}
            onChange={(event) => setChosen(event.target.value)}
            testId="debug-function"
          >
            <optgroup label={words.reads}>{group(true)}</optgroup>
            <optgroup label={words.writes}>{group(false)}</optgroup>
          </Select>
        </div>
        <FunctionForm key={`${contract}.${signatureOf(item)}`} contract={contract} item={item} />
      </Card>
    </>
  );
}

function FunctionForm({ contract, item }: { contract: ContractName; item: AbiFunction }) {
  const zone = useZone();
  const session = useSession();
  const send = useSend();
  const [typed, setTyped] = useState<string[]>(item.inputs.map(() => ""));
  const [answer, setAnswer] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const words = text.debug;

  async function run() {
    setProblem(undefined);
    setAnswer(undefined);
    try {
      const intended: Call = {
        address: zone.contracts[contract],
        abi: [item],
        functionName: item.name,
        args: item.inputs.map((input, i) => parseValue(input, typed[i] ?? "")),
      };
      if (isRead(item)) setAnswer(showValue(await readContract(zone.client, intended)));
      else {
        const { receipt, failure } = await send(`${contract}.${item.name}`, intended);
        if (receipt) setAnswer(showValue({ block: receipt.blockNumber, gasUsed: receipt.gasUsed }));
        if (failure) setProblem(failure.sentence);
      }
    } catch (error) {
      setProblem(
        (error as Error).name === "ValueError" ? (error as Error).message : explain(error, zone.format).sentence,
      );
    }
  }
  return (
    <form
      className="space-y-3"
      onSubmit={(event) => {
        event.preventDefault();
      }}
    >
      <CardTitle>{item.name}</CardTitle>
      {item.inputs.map((input, i) => (
        <TextInput
          key={i}
          label={`${input.name || i} · ${input.type}`}
          inputMode="text"
          value={typed[i] ?? ""}
          onChange={(next) => setTyped(typed.with(i, next))}
          testId={`debug-input-${i}`}
          hint={
            "components" in input
              ? (input as { components: readonly { name: string; type: string }[] }).components
                  .map(({ name, type }) => `${name}: ${type}`)
                  .join(", ")
              : undefined
          }
        />
      ))}
      <Button
        type="submit"
        off={!isRead(item) && session.kind !== "ready"}
        onClick={() => void run()}
        data-testid="debug-run"
      >
        {!isRead(item) && session.kind !== "ready" ? words.connect : isRead(item) ? words.read : words.write}
      </Button>
      {problem && <Notice tone="bad">{problem}</Notice>}
      {answer !== undefined && (
        <pre className="overflow-x-auto rounded-xl bg-sunken p-4 text-sm" data-testid="debug-answer" tabIndex={0}>
          {answer}
        </pre>
      )}
    </form>
  );
}
