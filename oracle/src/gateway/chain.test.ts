import { type Deployment, type Reading, type RegistryDomain, registryDomain } from "@ioe/protocol";
import { expect } from "chai";
import { type Hex, type PublicClient, concat, numberToHex, parseSignature, size, slice } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import type { Zone } from "../chain/index.ts";
import { MeterKey } from "../metering/index.ts";
import { RegistryOnChain } from "./chain.ts";

const REGISTRY: Hex = `0x${"11".repeat(20)}`;
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const READING: Reading = { meterId: 1, epoch: 0, since: 60, takenAt: 120, imported: 0n, exported: 5n };

describe("a signature as the gateway checks it", () => {
  const account = privateKeyToAccount(generatePrivateKey());
  const domain: RegistryDomain = registryDomain(31_337, REGISTRY, `0x${"22".repeat(32)}`);
  let asked: number;

  /** Whose verifier takes everything. */
  function registry(signer: Hex): RegistryOnChain {
    asked = 0;
    const readContract = () => {
      asked++;
      return Promise.resolve("0x024ad318");
    };
    return new RegistryOnChain({
      client: { readContract } as unknown as PublicClient,
      zone: { signerOf: () => Promise.resolve(signer) } as unknown as Zone,
      deployment: { contracts: { MeterRegistry: REGISTRY } } as unknown as Deployment,
      domain,
    });
  }

  const taken = (signature: Hex, signer: Hex = account.address) => registry(signer).signed({ ...READING, signature });

  it("is the meter's", async () => {
    const signature = await new MeterKey(account, domain).reading(READING);
    expect(await taken(signature)).to.equal(true);
    expect(await taken(signature, REGISTRY)).to.equal(false);
    expect(await registry(account.address).signed({ ...READING, exported: 6n, signature })).to.equal(false);
  });

  it("is refused in the forms that the registry refuses", async () => {
    const signature = await new MeterKey(account, domain).reading(READING);
    const { r, s, yParity } = parseSignature(signature);
    const form = (ofS: bigint, v: number) => concat([r, numberToHex(ofS, { size: 32 }), numberToHex(v, { size: 1 })]);
    const low = BigInt(s);
    expect(form(low, 27 + yParity), "as it is").to.equal(signature);
    for (const [what, other] of [
      ["high s", form(ORDER - low, 28 - yParity)],
      ["v of 0 or 1", form(low, yParity)],
      ["the other v", form(low, 28 - yParity)],
      ["v of EIP-155", form(low, 35 + yParity)],
      ["no s", form(0n, 27 + yParity)],
      ["no v", slice(signature, 0, 64)],
    ] as const)
      expect(await taken(other), what).to.equal(false);
  });

  it("of a secure element has 64 bytes", async () => {
    const signer: Hex = `${REGISTRY}${"33".repeat(64)}`;
    const signature: Hex = `0x${"44".repeat(64)}`;
    expect(await taken(signature, signer)).to.equal(true);
    expect(asked).to.equal(1);
    expect(size(concat([signature, "0x1b"]))).to.equal(65);
    expect(await taken(concat([signature, "0x1b"]), signer)).to.equal(false);
    expect(asked).to.equal(0);
  });
});
