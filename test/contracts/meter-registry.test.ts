import { expect } from "chai";
import {
  as,
  D,
  deployZone,
  ethers,
  GRACE,
  keyOf,
  Kind,
  type Meter,
  networkHelpers,
  PARAMETERS,
  Rejection,
  SALT,
  signPossession,
  signRotation,
  WINDOW,
  type Zone,
} from "./fixture.ts";

const MAX40 = 2n ** 40n - 1n;
/** Largest rated power with 60 s slots and 1 Wh units is bounded by the type alone. */
const MAX32 = 2 ** 32 - 1;

describe("MeterRegistry", () => {
  let zone: Zone;
  beforeEach(async () => {
    zone = await deployZone();
  });

  /** A meter whose chain begins at the start of the slot. */
  async function running(slot: number, kind: number = Kind.Battery): Promise<Meter> {
    const meter = await zone.addMeter(zone.alice, kind);
    await zone.at(slot, 0);
    await zone.report(meter.restart(slot * D));
    return meter;
  }

  /** An account that may claim booked energy. */
  async function claimer() {
    await as(zone.registry, zone.marketAdmin).addMarket(zone.carol);
    return as(zone.registry, zone.carol);
  }

  describe("times", () => {
    it("puts the boundary between two slots into the slot it closes", async () => {
      const { registry } = zone;
      expect(await registry.slotOf(0)).to.equal(0n);
      expect(await registry.slotOf(1)).to.equal(0n);
      expect(await registry.slotOf(D)).to.equal(0n);
      expect(await registry.slotOf(D + 1)).to.equal(1n);
      expect(await registry.endOf(0)).to.equal(BigInt(D));
      const slot = await zone.nextSlot();
      await zone.goTo(slot, D);
      expect(await registry.currentSlot()).to.equal(BigInt(slot));
      await zone.goTo(slot + 1, 1);
      expect(await registry.currentSlot()).to.equal(BigInt(slot + 1));
    });

    it("shows its parameters and keeps a ring that outlasts the claim window", async () => {
      const { registry } = zone;
      expect(await registry.slotDuration()).to.equal(D);
      expect(await registry.grace()).to.equal(GRACE);
      expect(await registry.claimWindow()).to.equal(WINDOW);
      expect(await registry.unitsPerKWh()).to.equal(PARAMETERS.unitsPerKWh);
      expect(await registry.ringSlots()).to.equal(BigInt(WINDOW / D + 2));
    });

    const wrong: [string, number, number, number, number][] = [
      ["no slot", 0, GRACE, WINDOW, 1_000],
      ["a slot of more than a day", 86_401, 90_000, 200_000, 1_000],
      ["a grace below one slot", D, D - 1, WINDOW, 1_000],
      ["a claim window not above the grace", D, GRACE, GRACE, 1_000],
      ["a claim window above a year", D, GRACE, 365 * 86_400 + 1, 1_000],
      ["another energy unit", D, GRACE, WINDOW, 10_000],
    ];
    for (const [what, slot, grace, window, units] of wrong) {
      it(`cannot be deployed with ${what}`, async () => {
        const factory = await ethers.getContractFactory("MeterRegistry");
        await expect(factory.deploy(zone.manager, slot, grace, window, units, SALT)).to.be.revertedWithCustomError(
          zone.registry,
          "TimesOutOfRange",
        );
      });
    }

    it("can be deployed with a claim window of a whole year", async () => {
      const year = 365 * 86_400;
      const registry = await ethers.deployContract("MeterRegistry", [zone.manager, D, GRACE, year, 1_000, SALT]);
      expect(await registry.claimWindow()).to.equal(BigInt(year));
    });

    it("declares the domain that the protocol's signers use", async () => {
      const [fields, name, version, chainId, contract, salt, extensions] = await zone.registry.eip712Domain();
      expect([fields, name, version, salt, extensions]).to.deep.equal(["0x1f", zone.domain.name, "1", SALT, []]);
      expect(chainId).to.equal(BigInt(zone.domain.chainId));
      expect(contract).to.equal(zone.domain.verifyingContract);
    });
  });

  describe("registration", () => {
    it("adds a meter whose device has signed for its owner", async () => {
      const { registry, operator, alice, domain } = zone;
      const key = keyOf("meter");
      const possession = await signPossession(key, alice, domain);
      await expect(as(registry, operator).register(alice, Kind.Solar, 10_000, 2, key.address, possession))
        .to.emit(registry, "MeterRegistered")
        .withArgs(1, alice.address, Kind.Solar, 10_000, 2, key.address.toLowerCase());
      expect(await registry.meterCount()).to.equal(1n);
      expect(await registry.activeMeters()).to.equal(1n);
      expect(await registry.ownerOf(1)).to.equal(alice.address);
      expect(await registry.kindOf(1)).to.equal(BigInt(Kind.Solar));
      expect(await registry.maxPowerOf(1)).to.equal(10_000n);
      expect(await registry.signerOf(1, 0)).to.equal(key.address.toLowerCase());
      expect(await registry.signerOf(1, 1)).to.equal("0x");
      expect((await registry.standingOf(1)).slice(0, 2)).to.deep.equal([alice.address, true]);
      const info = await registry.meterOf(1);
      expect([...info]).to.deep.equal([
        alice.address,
        ethers.ZeroAddress,
        BigInt(Kind.Solar),
        true,
        10_000n,
        2n,
        0n,
        0n,
        0n,
        0n,
        0n,
      ]);
    });

    it("does not count a meter of the utility among those that trade", async () => {
      await zone.addMeter(zone.alice, Kind.Grid);
      expect(await zone.registry.activeMeters()).to.equal(0n);
      await as(zone.registry, zone.operator).setActive(1, false);
      expect(await zone.registry.activeMeters()).to.equal(0n);
    });

    it("is the operator's alone", async () => {
      const possession = await signPossession(keyOf("meter"), zone.alice, zone.domain);
      for (const caller of [zone.alice, zone.admin, zone.guardian, zone.deployer]) {
        await expect(
          as(zone.registry, caller).register(zone.alice, Kind.Solar, 10_000, 1, keyOf("meter").address, possession),
        )
          .to.be.revertedWithCustomError(zone.registry, "AccessManagedUnauthorized")
          .withArgs(caller.address);
      }
    });

    it("refuses a key whose holder has not signed for exactly this owner", async () => {
      const { registry, operator, alice, bob, domain } = zone;
      const key = keyOf("meter");
      const register = async (possession: string) =>
        as(registry, operator).register(alice, Kind.Solar, 10_000, 1, key.address, possession);
      const forBob = await signPossession(key, bob, domain);
      const byAnother = await signPossession(keyOf("thief"), alice, domain);
      const elsewhere = await signPossession(key, alice, { ...domain, chainId: 1 });
      for (const possession of [forBob, byAnother, elsewhere, "0x", "0x1234", `0x${"00".repeat(65)}`]) {
        await expect(register(possession)).to.be.revertedWithCustomError(registry, "BadPossession");
      }
    });

    it("threat: signer reused: a key that any meter has or had is refused", async () => {
      const key = keyOf("meter");
      const meter = await zone.addMeter(zone.alice, Kind.Solar, { key });
      await expect(zone.addMeter(zone.bob, Kind.Solar, { key }))
        .to.be.revertedWithCustomError(zone.registry, "SignerAlreadyUsed")
        .withArgs(meter.id);
      const next = keyOf("next");
      const fromSlot = await zone.nextSlot();
      const possession = await signPossession(next, zone.alice, zone.domain);
      await as(zone.registry, zone.operator).rotateSigner(1, fromSlot, next.address, possession, "0x");
      await expect(zone.addMeter(zone.bob, Kind.Solar, { key })).to.be.revertedWithCustomError(
        zone.registry,
        "SignerAlreadyUsed",
      );
      await expect(zone.addMeter(zone.bob, Kind.Solar, { key: next })).to.be.revertedWithCustomError(
        zone.registry,
        "SignerAlreadyUsed",
      );
    });

    it("refuses bad parameters and says which", async () => {
      const { registry, operator, alice, domain } = zone;
      const key = keyOf("meter");
      const possession = await signPossession(key, alice, domain);
      const call = as(registry, operator);
      await expect(call.register(ethers.ZeroAddress, 1, 1, 1, key.address, possession)).to.be.revertedWithCustomError(
        registry,
        "ZeroAddress",
      );
      await expect(call.register(alice, 1, 1, 0, key.address, possession)).to.be.revertedWithCustomError(
        registry,
        "ZeroResolution",
      );
      await expect(call.register(alice, 1, 0, 1, key.address, possession))
        .to.be.revertedWithCustomError(registry, "PowerOutOfRange")
        .withArgs(0, MAX32);
      for (const signer of ["0x", "0x12", `${key.address}00`, `0x${"11".repeat(84)}`]) {
        await expect(call.register(alice, 1, 1, 1, signer, possession))
          .to.be.revertedWithCustomError(registry, "UnsupportedSigner")
          .withArgs((signer.length - 2) / 2);
      }
      await expect(call.register(alice, 1, 1, 1, ethers.ZeroAddress, possession)).to.be.revertedWithCustomError(
        registry,
        "ZeroAddress",
      );
    });

    it("bounds the rated power so that a slot's energy with its reserve fits 32 bits", async () => {
      const factory = await ethers.getContractFactory("MeterRegistry");
      // In slots of 15 min and of mWh: 2³² mWh in a quarter of an hour with 10 % reserve are 15.6 MW.
      for (const [duration, largest] of [
        [900n, 15_618_062n],
        [60n, 234_270_943n],
      ] as const) {
        expect(largest).to.equal(((2n ** 32n - 1n) * 360_000_000n) / (duration * 110n * 1_000_000n));
        const managed = await factory.deploy(zone.manager, duration, 900, 86_400, 1_000_000, SALT);
        await as(zone.manager, zone.admin).setTargetFunctionRole(
          managed,
          [managed.interface.getFunction("register").selector],
          1n,
        );
        const there = { ...zone.domain, verifyingContract: (await managed.getAddress()) as `0x${string}` };
        const proof = await signPossession(keyOf("meter"), zone.alice, there);
        const register = (powerW: bigint) =>
          as(managed, zone.operator).register(zone.alice, 1, powerW, 1, keyOf("meter").address, proof);
        await expect(register(largest + 1n))
          .to.be.revertedWithCustomError(managed, "PowerOutOfRange")
          .withArgs(largest + 1n, largest);
        await register(largest);
      }
    });

    it("knows no meter that was not registered", async () => {
      const { registry } = zone;
      for (const call of [
        () => registry.meterOf(7),
        () => registry.ownerOf(7),
        () => registry.kindOf(7),
        () => registry.maxPowerOf(7),
        () => registry.standingOf(7),
        () => as(registry, zone.operator).setActive(7, true),
        () => as(registry, zone.alice).setTrader(7, zone.bob),
        () => as(registry, zone.alice).transferMeter(7, zone.bob),
        () => as(registry, zone.operator).rotateSigner(7, MAX40, "0x", "0x", "0x"),
      ]) {
        await expect(call()).to.be.revertedWithCustomError(registry, "UnknownMeter").withArgs(7);
      }
      await expect(as(registry, zone.alice).acceptMeter(7))
        .to.be.revertedWithCustomError(registry, "NotPendingOwner")
        .withArgs(7, zone.alice.address);
      expect(await registry.mayTrade(7, ethers.ZeroAddress)).to.equal(false);
    });
  });

  describe("ownership", () => {
    it("is remembered by number, also when a meter comes back", async () => {
      const { registry, alice, bob } = zone;
      const meter = await zone.addMeter(alice);
      for (const [from, to] of [
        [alice, bob],
        [bob, alice],
      ] as const) {
        await as(registry, from).transferMeter(meter.id, to);
        await as(registry, to).acceptMeter(meter.id);
      }
      for (const [tenure, owner] of [alice.address, bob.address, alice.address, ethers.ZeroAddress].entries()) {
        expect(await registry.ownerIn(meter.id, tenure)).to.equal(owner);
      }
      expect((await registry.standingOf(meter.id)).tenure).to.equal(2n);
    });

    it("passes a meter on in two steps and dismisses the former owner's trader", async () => {
      const { registry, alice, bob, carol } = zone;
      const meter = await zone.addMeter(alice);
      await expect(as(registry, alice).setTrader(meter.id, carol))
        .to.emit(registry, "TraderSet")
        .withArgs(meter.id, carol.address);
      await expect(as(registry, alice).transferMeter(meter.id, bob))
        .to.emit(registry, "MeterTransferStarted")
        .withArgs(meter.id, alice.address, bob.address);
      expect(await registry.ownerOf(meter.id)).to.equal(alice.address);
      expect(await registry.mayTrade(meter.id, carol)).to.equal(true);
      await expect(as(registry, bob).acceptMeter(meter.id))
        .to.emit(registry, "MeterTransferred")
        .withArgs(meter.id, alice.address, bob.address);
      expect(await registry.ownerOf(meter.id)).to.equal(bob.address);
      for (const former of [alice, carol]) expect(await registry.mayTrade(meter.id, former)).to.equal(false);
      await expect(as(registry, bob).acceptMeter(meter.id)).to.be.revertedWithCustomError(registry, "NotPendingOwner");
    });

    it("lets the owner take an offer back", async () => {
      const { registry, alice, bob } = zone;
      const meter = await zone.addMeter(alice);
      await as(registry, alice).transferMeter(meter.id, bob);
      await as(registry, alice).transferMeter(meter.id, ethers.ZeroAddress);
      await expect(as(registry, bob).acceptMeter(meter.id)).to.be.revertedWithCustomError(registry, "NotPendingOwner");
    });

    it("is nobody else's to change, the trader and the operator included", async () => {
      const { registry, alice, bob, carol, operator } = zone;
      const meter = await zone.addMeter(alice);
      await as(registry, alice).setTrader(meter.id, carol);
      for (const caller of [bob, carol, operator]) {
        await expect(as(registry, caller).transferMeter(meter.id, caller))
          .to.be.revertedWithCustomError(registry, "NotMeterOwner")
          .withArgs(meter.id, caller.address);
        await expect(as(registry, caller).setTrader(meter.id, caller)).to.be.revertedWithCustomError(
          registry,
          "NotMeterOwner",
        );
      }
    });
  });

  describe("standing", () => {
    it("is the operator's to change, counts once, and leaves readings alone", async () => {
      const { registry, operator } = zone;
      const slot = await zone.nextSlot();
      const meter = await running(slot);
      await expect(as(registry, operator).setActive(meter.id, false))
        .to.emit(registry, "ActiveSet")
        .withArgs(meter.id, false);
      await expect(as(registry, operator).setActive(meter.id, false)).not.to.emit(registry, "ActiveSet");
      expect(await registry.activeMeters()).to.equal(0n);
      await zone.at(slot, D);
      await expect(zone.report(meter.step((slot + 1) * D, 100n))).to.emit(registry, "ReadingAccepted");
      expect(await registry.energyIn(meter.id, slot)).to.deep.equal([100n, 0n, true]);
      await as(registry, operator).setActive(meter.id, true);
      await as(registry, operator).setActive(meter.id, true);
      expect(await registry.activeMeters()).to.equal(1n);
      await expect(as(registry, zone.alice).setActive(meter.id, false)).to.be.revertedWithCustomError(
        registry,
        "AccessManagedUnauthorized",
      );
    });
  });

  describe("rotation of the key", () => {
    let meter: Meter;
    let slot: number;
    const next = keyOf("next");
    const third = keyOf("third");

    beforeEach(async () => {
      slot = await zone.nextSlot();
      meter = await running(slot);
    });

    const rotate = async ({ from = slot + 2, to = next, by = meter.key, epoch = meter.epoch, caller = zone.alice }) =>
      as(zone.registry, caller).rotateSigner(
        meter.id,
        from,
        to.address,
        await signPossession(to, zone.alice, zone.domain),
        await signRotation(by, { meterId: meter.id, epoch, fromSlot: from, signer: to.address }, zone.domain),
      );

    it("needs the current key, whoever sends it", async () => {
      await expect(rotate({ caller: zone.stranger }))
        .to.emit(zone.registry, "SignerRotated")
        .withArgs(meter.id, 1, slot + 2, next.address.toLowerCase());
      const { epoch, epochFromSlot } = await zone.registry.meterOf(meter.id);
      expect([epoch, epochFromSlot]).to.deep.equal([1n, BigInt(slot + 2)]);
      expect(await zone.registry.signerOf(meter.id, 0)).to.equal(meter.key.address.toLowerCase());
      expect(await zone.registry.signerOf(meter.id, 1)).to.equal(next.address.toLowerCase());
    });

    it("threat: key swapped by the owner: impossible without the old key or the operator", async () => {
      await expect(rotate({ by: next }))
        .to.be.revertedWithCustomError(zone.registry, "BadAuthorization")
        .withArgs(meter.id);
      await expect(rotate({ epoch: 1 })).to.be.revertedWithCustomError(zone.registry, "BadAuthorization");
      const possession = await signPossession(next, zone.alice, zone.domain);
      await expect(as(zone.registry, zone.alice).rotateSigner(meter.id, slot + 2, next.address, possession, "0x"))
        .to.be.revertedWithCustomError(zone.registry, "AccessManagedUnauthorized")
        .withArgs(zone.alice.address);
    });

    it("is possible for the operator when the key is lost", async () => {
      const possession = await signPossession(next, zone.alice, zone.domain);
      await expect(
        as(zone.registry, zone.operator).rotateSigner(meter.id, slot + 2, next.address, possession, "0x"),
      ).to.emit(zone.registry, "SignerRotated");
    });

    it("still needs the new device to prove its key", async () => {
      const authorization = await signRotation(
        meter.key,
        { meterId: meter.id, epoch: 0, fromSlot: slot + 2, signer: next.address },
        zone.domain,
      );
      const possession = await signPossession(next, zone.bob, zone.domain);
      await expect(
        as(zone.registry, zone.alice).rotateSigner(meter.id, slot + 2, next.address, possession, authorization),
      ).to.be.revertedWithCustomError(zone.registry, "BadPossession");
    });

    it("cannot go back to the meter's own earlier key", async () => {
      await rotate({});
      await zone.goTo(slot + 3, GRACE + 1);
      await expect(rotate({ from: slot + 9, to: meter.key as typeof next, by: next, epoch: 1 }))
        .to.be.revertedWithCustomError(zone.registry, "SignerAlreadyUsed")
        .withArgs(meter.id);
    });

    it("never changes the current slot or a past one", async () => {
      await expect(rotate({ from: slot - 1 })).to.be.revertedWithCustomError(zone.registry, "SlotNotInFuture");
      await zone.at(slot, 10);
      await expect(rotate({ from: slot }))
        .to.be.revertedWithCustomError(zone.registry, "SlotNotInFuture")
        .withArgs(slot, slot);
    });

    it("cannot be put off for ever by whoever has the key", async () => {
      const ahead = Number(await zone.registry.ringSlots());
      await zone.at(slot, 10);
      await expect(rotate({ from: slot + ahead + 1 }))
        .to.be.revertedWithCustomError(zone.registry, "SlotTooFar")
        .withArgs(slot + ahead + 1, slot + ahead);
      await expect(rotate({ from: Number(MAX40) })).to.be.revertedWithCustomError(zone.registry, "SlotTooFar");
      await zone.at(slot, 10);
      await rotate({ from: slot + ahead });
      await zone.at(slot + ahead + 1, GRACE + 1);
      const possession = await signPossession(third, zone.alice, zone.domain);
      const operator = as(zone.registry, zone.operator);
      await operator.rotateSigner(meter.id, slot + ahead + 9, third.address, possession, "0x");
    });

    it("waits until readings of the epoch before the current one cannot come in any more", async () => {
      await rotate({});
      await zone.at(slot + 3, GRACE);
      await expect(rotate({ from: slot + 9, to: third, by: next, epoch: 1 }))
        .to.be.revertedWithCustomError(zone.registry, "RotationPending")
        .withArgs(meter.id, slot + 2);
      await zone.at(slot + 3, GRACE + 1);
      await rotate({ from: slot + 9, to: third, by: next, epoch: 1 });
      expect((await zone.registry.meterOf(meter.id)).epoch).to.equal(2n);
    });

    it("lets the old key sign old slots and the new one the new slots, in one unbroken chain", async () => {
      await rotate({});
      await zone.at(slot + 3, 0);
      const old = [await meter.step((slot + 1) * D, 1n), await meter.step((slot + 2) * D, 2n)];
      [meter.key, meter.epoch] = [next, 1];
      await zone.report(...old, meter.step((slot + 3) * D, 3n));
      for (const i of [0, 1, 2]) {
        expect(await zone.registry.energyIn(meter.id, slot + i)).to.deep.equal([BigInt(i + 1), 0n, true]);
      }
    });

    it("refuses the old key in new slots, the new key in old slots, and unknown epochs", async () => {
      await rotate({});
      await zone.at(slot + 3, 10);
      const since = slot * D;
      const reading = { meterId: meter.id, since, imported: 0n, exported: 1n };
      const late = await meter.sign({ ...reading, epoch: 0, takenAt: (slot + 2) * D + 1 });
      const early = await meter.sign({ ...reading, epoch: 1, takenAt: (slot + 2) * D }, next);
      const unknown = await meter.sign({ ...reading, epoch: 2, takenAt: (slot + 2) * D }, next);
      const report = zone.report(late, early, unknown);
      for (const takenAt of [(slot + 2) * D + 1, (slot + 2) * D]) {
        await expect(report)
          .to.emit(zone.registry, "ReadingRejected")
          .withArgs(meter.id, takenAt, Rejection.WrongEpoch);
      }
      expect((await zone.registry.meterOf(meter.id)).lastTakenAt).to.equal(BigInt(since));
    });
  });

  describe("readings", () => {
    let slot: number;
    let meter: Meter;
    beforeEach(async () => {
      slot = await zone.nextSlot();
      meter = await running(slot);
    });

    const reject = async (signed: Parameters<Zone["report"]>[0], reason: number) => {
      const { reading } = await signed;
      const before = await zone.registry.meterOf(meter.id);
      await expect(zone.report(signed))
        .to.emit(zone.registry, "ReadingRejected")
        .withArgs(reading.meterId, reading.takenAt, reason);
      expect(await zone.registry.meterOf(meter.id)).to.deep.equal(before);
    };

    it("are counted as far as they are accepted", async () => {
      await zone.goTo(slot, 30);
      const signed = [await meter.step(slot * D + 10, 1n), await meter.step(slot * D + 20, 1n)];
      const later = await meter.sign({ ...signed[1]!.reading, takenAt: slot * D + 31 });
      const all = [...signed, later];
      const readings = all.map(({ reading }) => reading);
      const signatures = all.map(({ signature }) => signature);
      expect(await zone.registry.report.staticCall(readings, signatures)).to.equal(2n);
    });

    it("move the registers and book the difference to the slot, whoever relays them", async () => {
      await zone.at(slot, 30);
      await expect(zone.report(meter.step(slot * D + 20, 40n, 3n)))
        .to.emit(zone.registry, "ReadingAccepted")
        .withArgs(meter.id, slot, slot * D + 20, 3, 40);
      expect(await zone.registry.energyIn(meter.id, slot)).to.deep.equal([40n, 3n, false]);
      await zone.at(slot, D);
      await zone.report(meter.step((slot + 1) * D, 2n, 5n));
      expect(await zone.registry.energyIn(meter.id, slot)).to.deep.equal([42n, 8n, true]);
      const info = await zone.registry.meterOf(meter.id);
      expect([info.lastTakenAt, info.imported, info.exported]).to.deep.equal([BigInt((slot + 1) * D), 8n, 42n]);
    });

    it("return how many moved a register, and skip the others without harming them", async () => {
      await zone.goTo(slot, D);
      const good = await meter.step(slot * D + 10, 1n);
      const forged = await meter.sign(
        { ...good.reading, takenAt: slot * D + 11, since: slot * D + 10 },
        keyOf("thief"),
      );
      const unknown = await meter.sign({ ...good.reading, meterId: 99 });
      const last = await meter.step(slot * D + 20, 1n);
      const all = [forged, good, unknown, last];
      const args = [all.map((signed) => signed.reading), all.map((signed) => signed.signature)] as const;
      expect(await zone.registry.report.staticCall(...args)).to.equal(2n);
      const report = zone.registry.report(...args);
      await expect(report)
        .to.emit(zone.registry, "ReadingRejected")
        .withArgs(99, slot * D + 10, Rejection.UnknownMeter);
      await report;
      expect((await zone.registry.energyIn(meter.id, slot)).exported).to.equal(2n);
    });

    it("need one signature each", async () => {
      const signed = await meter.step(slot * D + 10);
      await expect(zone.registry.report([signed.reading], []))
        .to.be.revertedWithCustomError(zone.registry, "LengthMismatch")
        .withArgs(1, 0);
    });

    it("threat: replayed reading: taken once", async () => {
      await zone.at(slot, 30);
      const signed = await meter.step(slot * D + 20, 40n);
      await zone.report(signed);
      await reject(signed, Rejection.NotNewer);
      expect((await zone.registry.energyIn(meter.id, slot)).exported).to.equal(40n);
    });

    it("threat: cross-chain reading: worthless here, as one of another deployment or contract", async () => {
      const reading = {
        meterId: meter.id,
        epoch: 0,
        since: slot * D,
        takenAt: slot * D + 1,
        imported: 0n,
        exported: 9n,
      };
      await zone.goTo(slot, 30);
      for (const other of [
        { salt: ethers.id("another community") as `0x${string}` },
        { chainId: 1 },
        { verifyingContract: zone.market.target as `0x${string}` },
      ]) {
        await reject(meter.sign(reading, meter.key, { ...zone.domain, ...other }), Rejection.BadSignature);
      }
    });

    it("with a broken or foreign signature are rejected and never revert a batch", async () => {
      await zone.goTo(slot, 30);
      const { reading, signature } = await meter.step(slot * D + 10, 1n);
      const high = ethers.Signature.from(signature);
      const s = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n - BigInt(high.s);
      const malleable = ethers.concat([high.r, ethers.toBeHex(s, 32), high.v === 27 ? "0x1c" : "0x1b"]);
      for (const bad of ["0x", "0x12", `0x${"00".repeat(65)}`, `0x${"ff".repeat(65)}`, malleable, `${signature}00`]) {
        await reject({ reading, signature: bad }, Rejection.BadSignature);
      }
      const other = await zone.addMeter(zone.bob);
      await reject(meter.sign(reading, other.key), Rejection.BadSignature);
    });

    it("with changed figures are rejected", async () => {
      await zone.goTo(slot, 30);
      const { reading, signature } = await meter.step(slot * D + 10, 1n);
      await reject({ reading: { ...reading, exported: 2n }, signature }, Rejection.BadSignature);
    });

    it("of the future are refused now and taken when their time has come", async () => {
      const signed = await meter.step(slot * D + 31, 5n);
      await zone.at(slot, 30);
      await reject(signed, Rejection.InFuture);
      await zone.at(slot, 31);
      await expect(zone.report(signed)).to.emit(zone.registry, "ReadingAccepted");
    });

    it("threat: forced gap by relaying a later reading: it waits for its turn", async () => {
      await zone.goTo(slot, D);
      const first = await meter.step(slot * D + 10, 1n);
      const second = await meter.step(slot * D + 20, 2n);
      const third = await meter.step((slot + 1) * D, 3n);
      await reject(third, Rejection.OutOfOrder);
      await reject(second, Rejection.OutOfOrder);
      await zone.report(first, second, third);
      expect(await zone.registry.energyIn(meter.id, slot)).to.deep.equal([6n, 0n, true]);
    });

    it("threat: gap dumping: the energy of a gap is booked to no slot", async () => {
      await zone.at(slot + 1, 30);
      await expect(zone.report(meter.step((slot + 1) * D + 20, 500n))).to.emit(zone.registry, "ReadingAccepted");
      for (const s of [slot, slot + 1]) {
        expect(await zone.registry.energyIn(meter.id, s)).to.deep.equal([0n, 0n, false]);
      }
      // What follows within the slot counts, but the slot stays incomplete.
      await zone.at(slot + 1, D);
      await zone.report(meter.step((slot + 2) * D, 7n));
      expect(await zone.registry.energyIn(meter.id, slot + 1)).to.deep.equal([7n, 0n, false]);
    });

    it("threat: late reading for money: after the grace it is evidence only", async () => {
      const [inTime, late] = [await meter.step((slot + 1) * D, 10n), await meter.step((slot + 2) * D, 20n)];
      await zone.at(slot + 1, GRACE);
      await zone.report(inTime);
      expect(await zone.registry.energyIn(meter.id, slot)).to.deep.equal([10n, 0n, true]);
      await zone.at(slot + 2, GRACE + 1);
      const report = zone.report(late);
      await expect(report).to.emit(zone.registry, "ReadingAccepted");
      await expect(report).not.to.emit(zone.registry, "Rebased");
      expect(await zone.registry.energyIn(meter.id, slot + 1)).to.deep.equal([0n, 0n, false]);
      expect((await zone.registry.meterOf(meter.id)).exported).to.equal(30n);
    });

    it("restart after a gap: the registers are a new baseline and nothing is booked", async () => {
      await zone.at(slot, 30);
      await expect(zone.report(meter.restart(slot * D + 20, 900n)))
        .to.emit(zone.registry, "Rebased")
        .withArgs(meter.id, slot * D + 20, 0, 900);
      await zone.report(meter.step(slot * D + 25, 7n));
      expect(await zone.registry.energyIn(meter.id, slot)).to.deep.equal([7n, 0n, false]);
    });

    it("restart at a boundary and still complete the slot after it", async () => {
      await zone.at(slot + 1, 30);
      await zone.report(meter.restart((slot + 1) * D, 900n));
      await zone.at(slot + 1, D);
      await zone.report(meter.step((slot + 2) * D, 7n));
      expect(await zone.registry.energyIn(meter.id, slot + 1)).to.deep.equal([7n, 0n, true]);
    });

    it("threat: rolled-back reading: a new baseline, nothing is invented and nothing bricks the meter", async () => {
      await zone.at(slot, 20);
      await zone.report(meter.step(slot * D + 10, 40n));
      const back = zone.report(meter.step(slot * D + 20, -15n));
      await expect(back)
        .to.emit(zone.registry, "Rebased")
        .withArgs(meter.id, slot * D + 20, 0, 25);
      expect((await zone.registry.energyIn(meter.id, slot)).exported).to.equal(40n);
      await zone.at(slot, D);
      await zone.report(meter.step(slot * D + 30, 2n), meter.step((slot + 1) * D, 0n));
      expect(await zone.registry.energyIn(meter.id, slot)).to.deep.equal([42n, 0n, false]);
    });

    it("that go back in the import register book no export either", async () => {
      await zone.at(slot, 30);
      await zone.report(meter.step(slot * D + 10, 0n, 10n));
      await expect(zone.report(meter.step(slot * D + 20, 5n, -1n))).to.emit(zone.registry, "Rebased");
      expect(await zone.registry.energyIn(meter.id, slot)).to.deep.equal([0n, 10n, false]);
    });

    for (const [direction, exported, imported] of [
      ["export", 1n, 0n],
      ["import", 0n, 1n],
    ] as const) {
      it(`that ${direction} more than the rated power with its reserve and one step are a new baseline`, async () => {
        // 6 kW for 10 s are 16.7 Wh, with 10 % reserve 18.4, rounded up 19, plus the resolution of 5.
        const small = await zone.addMeter(zone.alice, Kind.Battery, { maxPowerW: 6_000, resolution: 5 });
        await zone.at(slot, 40);
        await zone.report(small.restart(slot * D + 10));
        const most = small.step(slot * D + 20, 24n * exported, 24n * imported);
        await expect(zone.report(most)).not.to.emit(zone.registry, "Rebased");
        await expect(zone.report(small.step(slot * D + 30, 25n * exported, 25n * imported)))
          .to.emit(zone.registry, "Rebased")
          .withArgs(small.id, slot * D + 30, 49n * imported, 49n * exported);
        expect(await zone.registry.energyIn(small.id, slot)).to.deep.equal([24n * exported, 24n * imported, false]);
      });
    }

    for (const [maxPowerW, seconds, most] of [
      // 3,600 W × 1.1 × 10 s are 11 Wh exactly, 565,849 W × 1.1 × 59 s a 36,000th more than 10,201 Wh.
      [3_600, 10, 11n],
      [565_849, 59, 10_202n],
    ] as const) {
      it(`of ${maxPowerW} W may show ${most} Wh and a step of 1 Wh after ${seconds} s, and not a unit more`, async () => {
        await zone.at(slot, D);
        for (const above of [1n, 2n]) {
          const busy = await zone.addMeter(zone.alice, Kind.Battery, { maxPowerW, resolution: 1 });
          await zone.report(busy.restart(slot * D));
          await zone.report(busy.step(slot * D + seconds, most + above));
          const booked = above === 1n ? most + above : 0n;
          expect(await zone.registry.energyIn(busy.id, slot)).to.deep.equal([booked, 0n, false]);
        }
      });
    }

    for (const [direction, exported, imported] of [
      ["export", 1n, 0n],
      ["import", 0n, 1n],
    ] as const) {
      it(`that ${direction} often and little, each rounded up, book what the rated power moves in a slot and no more`, async () => {
        // 6 kW with 10 % reserve for a second are 1.83 Wh: 2 Wh and a step of 1. For the slot's 60 s: 110 Wh and one step.
        const busy = await zone.addMeter(zone.alice, Kind.Battery, { maxPowerW: 6_000, resolution: 1 });
        await zone.at(slot, D);
        await zone.report(busy.restart(slot * D));
        for (let second = 1; second <= 38; second++) {
          const next = zone.report(busy.step(slot * D + second, 3n * exported, 3n * imported));
          await expect(next).not.to.emit(zone.registry, "Rebased");
        }
        expect(await zone.registry.energyIn(busy.id, slot)).to.deep.equal([111n * exported, 111n * imported, false]);
      });
    }

    it("survive a register that jumps to its last value", async () => {
      await zone.at(slot, 30);
      await expect(zone.report(meter.step(slot * D + 10, 2n ** 64n - 1n, 2n ** 64n - 1n))).to.emit(
        zone.registry,
        "Rebased",
      );
      await expect(zone.report(meter.restart(slot * D + 20, -(2n ** 64n - 1n), -(2n ** 64n - 1n)))).to.emit(
        zone.registry,
        "ReadingAccepted",
      );
    });

    it("of a coarse meter cannot overflow a slot: what does not fit is not booked", async () => {
      const coarse = await zone.addMeter(zone.alice, Kind.Battery, { resolution: MAX32 });
      await zone.at(slot, D);
      await zone.report(coarse.restart(slot * D));
      await zone.report(coarse.step(slot * D + 10, BigInt(MAX32), 1n));
      const full = zone.report(coarse.step(slot * D + 20, 1n, 0n));
      await expect(full).to.emit(zone.registry, "ReadingAccepted");
      await zone.report(coarse.step(slot * D + 30, 0n, BigInt(MAX32)));
      expect(await zone.registry.energyIn(coarse.id, slot)).to.deep.equal([BigInt(MAX32), 1n, false]);
    });
  });

  describe("completeness", () => {
    it("needs readings without a gap from start to end", async () => {
      const slot = await zone.nextSlot();
      const meter = await running(slot);
      const complete = async () => (await zone.registry.energyIn(meter.id, slot)).complete;
      await zone.at(slot, D);
      await zone.report(meter.step(slot * D + 20));
      expect(await complete()).to.equal(false);
      await zone.report(meter.step(slot * D + 40), meter.step((slot + 1) * D - 1));
      expect(await complete()).to.equal(false);
      await zone.report(meter.step((slot + 1) * D));
      expect(await complete()).to.equal(true);
    });

    it("is lost by a restart in the middle", async () => {
      const slot = await zone.nextSlot();
      const meter = await running(slot);
      await zone.at(slot, D);
      await zone.report(meter.step(slot * D + 20), meter.restart(slot * D + 21), meter.step((slot + 1) * D));
      expect((await zone.registry.energyIn(meter.id, slot)).complete).to.equal(false);
    });
  });

  describe("finality", () => {
    it("comes with a reading at or after the slot's end, or with the end of the grace", async () => {
      const slot = await zone.nextSlot();
      const meter = await running(slot);
      await zone.goTo(slot, D);
      expect(await zone.registry.isFinal(meter.id, slot)).to.equal(false);
      await zone.report(meter.step((slot + 1) * D));
      expect(await zone.registry.isFinal(meter.id, slot)).to.equal(true);
      await zone.goTo(slot + 2, GRACE);
      expect(await zone.registry.isFinal(meter.id, slot + 1)).to.equal(false);
      await zone.goTo(slot + 2, GRACE + 1);
      expect(await zone.registry.isFinal(meter.id, slot + 1)).to.equal(true);
    });
  });

  describe("totals", () => {
    it("add up the active meters without the utility's, and freeze two slots after the slot's start", async () => {
      const slot = await zone.nextSlot();
      const kinds = [Kind.Solar, Kind.Load, Kind.Grid, Kind.Battery];
      const meters = [];
      for (const kind of kinds) meters.push(await zone.addMeter(zone.alice, kind));
      const [solar, load, grid, out] = meters as [Meter, Meter, Meter, Meter];
      await as(zone.registry, zone.operator).setActive(out.id, false);
      await zone.at(slot, 1);
      await zone.report(...meters.map((meter) => meter.restart(slot * D)));
      await zone.at(slot + 1, 10);
      await zone.report(grid.step((slot + 1) * D, 5_000n, 5_000n), out.step((slot + 1) * D, 77n));
      expect(await zone.registry.totalsIn(slot)).to.deep.equal([0n, 0n, 0n]);
      await zone.report(solar.step((slot + 1) * D - 1, 30n, 1n));
      expect(await zone.registry.totalsIn(slot)).to.deep.equal([30n, 1n, 0n]);
      await zone.at(slot + 1, D);
      await zone.report(solar.step((slot + 1) * D, 4n));
      expect(await zone.registry.totalsIn(slot)).to.deep.equal([34n, 1n, 1n]);
      await zone.at(slot + 2, 1);
      await zone.report(load.step((slot + 1) * D, 0n, 50n));
      expect(await zone.registry.energyIn(load.id, slot)).to.deep.equal([0n, 50n, true]);
      expect(await zone.registry.totalsIn(slot)).to.deep.equal([34n, 1n, 1n]);
    });

    it("of one report go to the slot of each of its readings", async () => {
      const slot = await zone.nextSlot();
      const meter = await zone.addMeter(zone.alice, Kind.Solar);
      await zone.at(slot, 1);
      await zone.report(meter.restart(slot * D));
      await zone.at(slot + 1, 30);
      await zone.report(meter.step((slot + 1) * D, 30n, 1n), meter.step((slot + 1) * D + 20, 7n));
      expect(await zone.registry.totalsIn(slot)).to.deep.equal([30n, 1n, 1n]);
      expect(await zone.registry.totalsIn(slot + 1)).to.deep.equal([7n, 0n, 0n]);
    });
  });

  describe("claims", () => {
    let slot: number;
    let meter: Meter;
    beforeEach(async () => {
      slot = await zone.nextSlot();
      meter = await running(slot);
      await zone.at(slot, D);
      await zone.report(meter.step((slot + 1) * D, 100n, 70n));
    });

    it("take each booked unit once", async () => {
      const { registry } = zone;
      const market = await claimer();
      expect(await market.claimExport.staticCall(meter.id, slot, 30)).to.equal(30n);
      await market.claimExport(meter.id, slot, 30);
      await market.claimImport(meter.id, slot, 69);
      expect(await registry.unclaimedIn(meter.id, slot)).to.deep.equal([70n, 1n]);
      expect(await market.claimExport.staticCall(meter.id, slot, MAX32)).to.equal(70n);
      await market.claimExport(meter.id, slot, MAX32);
      await market.claimImport(meter.id, slot, MAX32);
      expect(await market.claimExport.staticCall(meter.id, slot, 1)).to.equal(0n);
      expect(await market.claimImport.staticCall(meter.id, slot, 1)).to.equal(0n);
      expect(await registry.unclaimedIn(meter.id, slot)).to.deep.equal([0n, 0n]);
      expect(await registry.energyIn(meter.id, slot)).to.deep.equal([100n, 70n, true]);
    });

    it("find nothing in slots without a booking", async () => {
      const market = await claimer();
      expect(await market.claimExport.staticCall(meter.id, slot + 1, 5)).to.equal(0n);
      expect(await market.claimImport.staticCall(meter.id, slot + 1, 5)).to.equal(0n);
      expect(await market.claimExport.staticCall(99, slot, 5)).to.equal(0n);
    });

    it("are for markets only", async () => {
      for (const caller of [zone.alice, zone.operator, zone.admin]) {
        await expect(as(zone.registry, caller).claimExport(meter.id, slot, 1))
          .to.be.revertedWithCustomError(zone.registry, "NotMarket")
          .withArgs(caller.address);
        await expect(as(zone.registry, caller).claimImport(meter.id, slot, 1)).to.be.revertedWithCustomError(
          zone.registry,
          "NotMarket",
        );
      }
    });

    it("end with the claim window", async () => {
      const market = await claimer();
      await zone.at(slot + 1, WINDOW);
      await market.claimExport(meter.id, slot, 1);
      await zone.at(slot + 1, WINDOW + 1);
      await expect(market.claimExport(meter.id, slot, 1))
        .to.be.revertedWithCustomError(zone.registry, "ClaimWindowClosed")
        .withArgs(slot);
      await expect(market.claimImport(meter.id, slot, 1)).to.be.revertedWithCustomError(
        zone.registry,
        "ClaimWindowClosed",
      );
    });

    it("do not carry over when the ring reuses a slot's word", async () => {
      const market = await claimer();
      await market.claimExport(meter.id, slot, 60);
      const again = slot + Number(await zone.registry.ringSlots());
      await zone.at(again, 1);
      await zone.report(meter.restart(again * D));
      expect(await zone.registry.energyIn(meter.id, slot)).to.deep.equal([100n, 70n, true]);
      await zone.report(meter.step(again * D + 1, 9n, 8n));
      expect(await zone.registry.energyIn(meter.id, again)).to.deep.equal([9n, 8n, false]);
      expect(await zone.registry.unclaimedIn(meter.id, again)).to.deep.equal([9n, 8n]);
      expect(await zone.registry.energyIn(meter.id, slot)).to.deep.equal([0n, 0n, false]);
      expect(await zone.registry.unclaimedIn(meter.id, slot)).to.deep.equal([0n, 0n]);
    });

    it("of the oldest slot in the window are never overwritten", async () => {
      const newest = slot + Math.floor(WINDOW / D) + 1;
      await zone.at(newest, 1);
      await zone.report(meter.restart(newest * D), meter.step(newest * D + 1, 1n));
      expect(await zone.registry.energyIn(meter.id, slot)).to.deep.equal([100n, 70n, true]);
    });
  });

  describe("markets", () => {
    it("are added by the market administrator, for ever", async () => {
      const { registry, marketAdmin, carol } = zone;
      await expect(as(registry, marketAdmin).addMarket(carol)).to.emit(registry, "MarketAdded").withArgs(carol.address);
      expect(await registry.isMarket(carol)).to.equal(true);
      await expect(as(registry, marketAdmin).addMarket(ethers.ZeroAddress)).to.be.revertedWithCustomError(
        registry,
        "ZeroAddress",
      );
      await expect(as(registry, carol).addMarket(carol)).to.be.revertedWithCustomError(
        registry,
        "AccessManagedUnauthorized",
      );
    });
  });

  it("takes a batch that a stranger relays with the time standing on a boundary", async () => {
    const slot = await zone.nextSlot();
    const meter = await running(slot);
    await zone.at(slot + 1, 0);
    await zone.report(meter.step((slot + 1) * D, 3n));
    expect(await networkHelpers.time.latest()).to.equal((slot + 1) * D);
    expect(await zone.registry.totalsIn(slot)).to.deep.equal([3n, 0n, 1n]);
  });
});
