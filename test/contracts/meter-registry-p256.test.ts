import { expect } from "chai";
import { TYPES, type Reading } from "@ioe/protocol";
import {
  as,
  D,
  deployZone,
  ethers,
  keyOf,
  Kind,
  type Meter,
  Rejection,
  signPossession,
  signRotation,
  type Zone,
} from "./fixture.ts";
import { Element, hex, ORDER, WORD } from "./secure-element.ts";

describe("Meters with a secure element (P-256)", () => {
  let zone: Zone;
  let element: Element;
  let slot: number;
  beforeEach(async () => {
    zone = await deployZone();
    element = new Element("element", zone.domain.verifyingContract);
    slot = await zone.nextSlot();
  });

  const digest = (type: keyof typeof TYPES, value: Record<string, unknown>): string =>
    ethers.TypedDataEncoder.hash(zone.domain, { [type]: [...TYPES[type]] }, value);
  const possession = (by: Element, owner = zone.alice.address): string => by.sign(digest("Possession", { owner }));
  const register = async (signer: string, proof: string) =>
    as(zone.registry, zone.operator).register(zone.alice, Kind.Solar, 1_000_000, 1, signer, proof);
  const read = (reading: Omit<Reading, "imported" | "meterId" | "epoch"> & Partial<Reading>, by = element) => {
    const full: Reading = { meterId: 1, epoch: 0, imported: 0n, ...reading };
    return { reading: full, signature: by.sign(digest("Reading", { ...full })) };
  };

  it("are registered under registry‖x‖y with the element's own proof", async () => {
    await expect(register(element.signer, possession(element)))
      .to.emit(zone.registry, "MeterRegistered")
      .withArgs(1, zone.alice.address, Kind.Solar, 1_000_000, 1, element.signer.toLowerCase());
    expect(await zone.registry.signerOf(1, 0)).to.equal(element.signer.toLowerCase());
  });

  it("book energy like any other meter", async () => {
    await register(element.signer, possession(element));
    await zone.at(slot, D);
    const first = read({ since: 0, takenAt: slot * D, exported: 5n });
    await zone.report(first, read({ since: slot * D, takenAt: (slot + 1) * D, exported: 12n }));
    expect(await zone.registry.energyIn(1, slot)).to.deep.equal([7n, 0n, true]);
  });

  it("can name no verifier but the registry, and no other lengths", async () => {
    for (const prefix of [zone.alice.address, ethers.ZeroAddress.slice(0, -1) + "1", zone.money.target as string]) {
      await expect(register(ethers.concat([prefix, element.point]), possession(element)))
        .to.be.revertedWithCustomError(zone.registry, "UnsupportedSigner")
        .withArgs(84);
    }
    for (const signer of [
      element.signer.slice(0, -2),
      `${element.signer}00`,
      element.point,
      zone.domain.verifyingContract,
    ]) {
      await expect(register(signer, possession(element))).to.be.revertedWithCustomError(
        zone.registry,
        "UnsupportedSigner",
      );
    }
  });

  it("need a key on the curve and a proof for exactly this owner", async () => {
    const elsewhere = [`0x${"00".repeat(64)}`, `0x${"ff".repeat(64)}`, `${element.point.slice(0, -2)}00`];
    for (const point of elsewhere) {
      const signer = ethers.concat([zone.domain.verifyingContract, point]);
      await expect(register(signer, possession(element))).to.be.revertedWithCustomError(zone.registry, "BadPossession");
    }
    const proofs = [
      possession(element, zone.bob.address),
      possession(new Element("another", zone.domain.verifyingContract)),
      await signPossession(keyOf("wallet"), zone.alice, zone.domain),
      "0x",
    ];
    for (const proof of proofs) {
      await expect(register(element.signer, proof)).to.be.revertedWithCustomError(zone.registry, "BadPossession");
    }
  });

  it("keep their key for themselves, for ever", async () => {
    await register(element.signer, possession(element));
    await expect(register(element.signer, possession(element)))
      .to.be.revertedWithCustomError(zone.registry, "SignerAlreadyUsed")
      .withArgs(1);
  });

  it("threat: gas burning signer: malformed signatures cost a bounded amount of gas and lose nothing of a batch", async () => {
    await register(element.signer, possession(element));
    const other: Meter = await zone.addMeter(zone.bob);
    await zone.goTo(slot, 30);
    const good = read({ since: 0, takenAt: slot * D, exported: 5n });
    const [r, s] = [good.signature.slice(2, 2 + 2 * WORD), BigInt(`0x${good.signature.slice(2 + 2 * WORD)}`)];
    const malleable = `0x${r}${hex(ORDER - s)}`;
    const bad = [
      "0x",
      "0x12",
      `0x${"00".repeat(64)}`,
      `0x${"ff".repeat(64)}`,
      malleable,
      `${good.signature}00`,
      good.signature.slice(0, -2),
      read({ since: 0, takenAt: slot * D, exported: 6n }).signature,
      await keyOf("wallet").signTypedData(zone.domain, { Reading: [...TYPES.Reading] }, good.reading),
    ];
    const batch = bad.map((signature) => ({ reading: good.reading, signature }));
    const report = zone.report(...batch, other.restart(slot * D), good);
    await expect(report)
      .to.emit(zone.registry, "ReadingAccepted")
      .withArgs(other.id, slot - 1, slot * D, 0, 0);
    await expect(report)
      .to.emit(zone.registry, "ReadingAccepted")
      .withArgs(1, slot - 1, slot * D, 0, 5);
    const receipt = (await (await report).wait())!;
    const rejected = receipt.logs
      .map((log) => zone.registry.interface.parseLog(log)!)
      .filter(({ name }) => name === "ReadingRejected");
    expect(rejected.map(({ args }) => Number(args.reason))).to.deep.equal(bad.map(() => Rejection.BadSignature));
    expect(receipt.gasUsed).to.be.lessThan(BigInt(bad.length + 2) * 100_000n);
  });

  it("do not accept a wallet's signature, and a wallet's meter none of theirs", async () => {
    await register(element.signer, possession(element));
    const wallet: Meter = await zone.addMeter(zone.bob);
    await zone.goTo(slot, 30);
    const forged = read({ meterId: wallet.id, since: 0, takenAt: slot * D, exported: 1n });
    await expect(zone.report(forged))
      .to.emit(zone.registry, "ReadingRejected")
      .withArgs(wallet.id, slot * D, Rejection.BadSignature);
  });

  it("change from a wallet's key to the element's and back", async () => {
    const { registry, domain, alice, bob } = zone;
    const meter: Meter = await zone.addMeter(alice);
    const to = { meterId: meter.id, epoch: 0, fromSlot: slot + 2, signer: element.signer };
    const authorization = await signRotation(meter.key, to, domain);
    await expect(as(registry, bob).rotateSigner(meter.id, slot + 2, element.signer, possession(element), authorization))
      .to.emit(registry, "SignerRotated")
      .withArgs(meter.id, 1, slot + 2, element.signer.toLowerCase());
    await zone.at(slot + 2, D);
    const start = (slot + 2) * D;
    await zone.report(
      meter.restart(start),
      read({ meterId: meter.id, epoch: 1, since: start, takenAt: start + D, exported: 3n }),
    );
    expect(await registry.energyIn(meter.id, slot + 2)).to.deep.equal([3n, 0n, true]);

    const next = keyOf("next");
    const from = slot + 10;
    await zone.at(slot + 8, 1);
    const back = digest("Rotation", {
      meterId: meter.id,
      epoch: 1,
      fromSlot: from,
      signerHash: ethers.keccak256(next.address),
    });
    const proof = await signPossession(next, alice, domain);
    const stranger = new Element("stranger", domain.verifyingContract);
    await expect(
      as(registry, bob).rotateSigner(meter.id, from, next.address, proof, stranger.sign(back)),
    ).to.be.revertedWithCustomError(registry, "BadAuthorization");
    await as(registry, bob).rotateSigner(meter.id, from, next.address, proof, element.sign(back));
    expect(await registry.signerOf(meter.id, 1)).to.equal(element.signer.toLowerCase());
    expect(await registry.signerOf(meter.id, 2)).to.equal(next.address.toLowerCase());
    await expect(register(element.signer, possession(element))).to.be.revertedWithCustomError(
      registry,
      "SignerAlreadyUsed",
    );
  });

  it("can be checked by anybody who knows ERC-7913", async () => {
    const hash = ethers.id("anything");
    const { verify } = zone.registry;
    const selector = zone.registry.interface.getFunction("verify").selector;
    expect(await verify(element.point, hash, element.sign(hash))).to.equal(selector);
    expect(await verify(element.point, ethers.id("else"), element.sign(hash))).to.equal("0xffffffff");
  });
});
