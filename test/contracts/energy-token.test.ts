import { expect } from "chai";
import { as, D, deployZone, ethers, Kind, type Meter, WINDOW, type Zone } from "./fixture.ts";

const Mood = { Accept: 0, Refuse: 1, BurnGas: 2, ReturnBomb: 3, Reenter: 4 } as const;
const MIXED = 255;

describe("EnergyToken", () => {
  let zone: Zone;
  let slot: number;
  beforeEach(async () => {
    zone = await deployZone();
    slot = await zone.nextSlot();
  });

  /** A meter that has exported 500 units in `slot`, which is complete. */
  async function exported(kind: number = Kind.Solar): Promise<Meter> {
    const meter = await zone.addMeter(zone.alice, kind);
    await zone.at(slot + 1, 0);
    await zone.report(meter.restart(slot * D), meter.step((slot + 1) * D, 500n));
    return meter;
  }

  /** The token as a market sees it. */
  async function minter() {
    await as(zone.registry, zone.marketAdmin).addMarket(zone.carol);
    return as(zone.energyToken, zone.carol);
  }

  describe("ids", () => {
    it("name the UTC day on which the slot ends and the source", async () => {
      const { energyToken } = zone;
      const midnight = 20_000 * 86_400;
      const lastSlotOfDay = midnight / D - 1;
      expect(await energyToken.idOf(lastSlotOfDay, Kind.Wind)).to.equal((19_999n << 8n) | 2n);
      expect(await energyToken.idOf(lastSlotOfDay + 1, Kind.Wind)).to.equal((20_000n << 8n) | 2n);
      expect(await energyToken.idOf(lastSlotOfDay + 1, MIXED)).to.equal((20_000n << 8n) | 255n);
      expect(await energyToken.MIXED()).to.equal(BigInt(MIXED));
    });

    it("name the day after for a slot that ends a second past midnight", async () => {
      const [seconds, slotOfTwoDays] = [7, 86_401 / 7 - 1];
      const times = [seconds, seconds, 2 * seconds];
      const registry = await ethers.deployContract("MeterRegistry", [zone.manager, ...times, 1_000, ethers.ZeroHash]);
      const token = await ethers.deployContract("EnergyToken", [registry]);
      expect(await token.idOf(slotOfTwoDays, 0)).to.equal(1n << 8n);
      expect(await token.idOf(slotOfTwoDays - 1, 0)).to.equal(0n);
    });

    const names: [number, string][] = [
      [Kind.Solar, "Solar"],
      [Kind.Wind, "Wind"],
      [Kind.Hydro, "Hydro"],
      [Kind.Battery, "Storage"],
      [Kind.Prosumer, "Prosumer"],
      [MIXED, "Mixed"],
      [Kind.Load, "Unknown"],
      [Kind.Grid, "Unknown"],
      [200, "Unknown"],
    ];
    for (const [source, name] of names) {
      it(`describe themselves on chain: source ${source} is "${name}"`, async () => {
        const uri = await zone.energyToken.uri((20_000n << 8n) | BigInt(source));
        const [head, body] = uri.split(",") as [string, string];
        expect(head).to.equal("data:application/json;base64");
        const metadata = JSON.parse(Buffer.from(body, "base64").toString()) as Record<string, unknown>;
        expect(metadata).to.deep.equal({
          name: `${name} energy, day 20000`,
          description: "Measured local energy. One token is 1 Wh.",
          decimals: 0,
          attributes: [
            { trait_type: "source", value: name },
            { trait_type: "day", display_type: "date", value: 20_000 * 86_400 },
            { trait_type: "unit", value: "Wh" },
          ],
        });
      });
    }

    it("of a bench rig count in mWh", async () => {
      const rig = await ethers.deployContract("MeterRegistry", [
        zone.manager,
        60,
        120,
        1_800,
        1_000_000,
        ethers.ZeroHash,
      ]);
      const token = await ethers.deployContract("EnergyToken", [rig]);
      const body = (await token.uri(1)).split(",")[1]!;
      expect(Buffer.from(body, "base64").toString()).to.contain("One token is 1 mWh.");
    });
  });

  it("is an ERC-1155 and says so", async () => {
    const { energyToken } = zone;
    for (const id of ["0x01ffc9a7", "0xd9b67a26", "0x0e89341c"]) {
      expect(await energyToken.supportsInterface(id)).to.equal(true);
    }
    expect(await energyToken.supportsInterface("0xffffffff")).to.equal(false);
    expect(await energyToken.registry()).to.equal(zone.registry.target);
  });

  describe("minting by markets", () => {
    it("gives certificates and counts them", async () => {
      const { energyToken, bob } = zone;
      const id = await energyToken.idOf(slot, Kind.Wind);
      const market = await minter();
      await market.mint(bob, slot, Kind.Wind, 30);
      await market.mint(bob, slot, Kind.Wind, 12);
      expect(await energyToken.balanceOf(bob, id)).to.equal(42n);
      expect(await energyToken.totalSupply(id)).to.equal(42n);
    });

    for (const source of [Kind.Solar, Kind.Wind, Kind.Hydro, Kind.Battery, Kind.Prosumer, MIXED]) {
      it(`knows source ${source}`, async () => {
        await (await minter()).mint(zone.bob, slot, source, 3);
        expect(await zone.energyToken.balanceOf(zone.bob, await zone.energyToken.idOf(slot, source))).to.equal(3n);
      });
    }

    it("gives none for loads, the utility, unknown sources and nothing at all", async () => {
      const { energyToken, bob } = zone;
      const market = await minter();
      for (const source of [Kind.Load, Kind.Grid, 7, 254]) {
        await market.mint(bob, slot, source, 30);
        expect(await energyToken.totalSupply(await energyToken.idOf(slot, source))).to.equal(0n);
      }
      await expect(market.mint(bob, slot, Kind.Wind, 0)).not.to.emit(energyToken, "TransferSingle");
      await market.mint(bob, slot, MIXED, 5);
      expect(await energyToken.balanceOf(bob, await energyToken.idOf(slot, MIXED))).to.equal(5n);
    });

    it("is closed to everybody else", async () => {
      const { energyToken, operator, alice } = zone;
      for (const caller of [operator, alice]) {
        await expect(as(energyToken, caller).mint(alice, slot, Kind.Wind, 1))
          .to.be.revertedWithCustomError(energyToken, "NotMarket")
          .withArgs(caller.address);
        await expect(as(energyToken, caller).mintChecked(alice, 1, 1))
          .to.be.revertedWithCustomError(energyToken, "NotMarket")
          .withArgs(caller.address);
      }
      const market = await minter();
      await expect(market.mintChecked(alice, 1, 1)).to.be.revertedWithCustomError(energyToken, "NotMarket");
    });
  });

  describe("minting of unsold export", () => {
    it("turns what nobody claimed into certificates of the owner, once", async () => {
      const { energyToken, registry, alice } = zone;
      const meter = await exported();
      const id = await energyToken.idOf(slot, Kind.Solar);
      expect(await as(energyToken, alice).mintUnsold.staticCall(meter.id, slot, 200)).to.equal(200n);
      await as(energyToken, alice).mintUnsold(meter.id, slot, 200);
      await as(energyToken, alice).mintUnsold(meter.id, slot, 2 ** 32 - 1);
      expect(await energyToken.balanceOf(alice, id)).to.equal(500n);
      expect(await registry.unclaimedIn(meter.id, slot)).to.deep.equal([0n, 0n]);
      await expect(as(energyToken, alice).mintUnsold(meter.id, slot, 1))
        .to.be.revertedWithCustomError(energyToken, "NothingToMint")
        .withArgs(meter.id, slot);
    });

    it("is the owner's alone and ends with the claim window", async () => {
      const { energyToken, registry, alice, bob } = zone;
      const meter = await exported();
      await expect(as(energyToken, bob).mintUnsold(meter.id, slot, 1))
        .to.be.revertedWithCustomError(energyToken, "NotMeterOwner")
        .withArgs(meter.id, bob.address);
      await zone.at(slot + 1, WINDOW + 1);
      await expect(as(energyToken, alice).mintUnsold(meter.id, slot, 1)).to.be.revertedWithCustomError(
        registry,
        "ClaimWindowClosed",
      );
    });

    for (const kind of [Kind.Load, Kind.Grid]) {
      it(`has nothing to give to a meter of kind ${kind}, and claims nothing from it`, async () => {
        const meter = await exported(kind);
        await expect(as(zone.energyToken, zone.alice).mintUnsold(meter.id, slot, 1)).to.be.revertedWithCustomError(
          zone.energyToken,
          "NothingToMint",
        );
        expect((await zone.registry.unclaimedIn(meter.id, slot)).exported).to.equal(500n);
      });
    }
  });

  describe("retiring", () => {
    it("burns certificates with beneficiary and purpose on record", async () => {
      const { energyToken, alice, bob } = zone;
      const meter = await exported();
      const id = await energyToken.idOf(slot, Kind.Solar);
      await as(energyToken, alice).mintUnsold(meter.id, slot, 500);
      await expect(as(energyToken, alice).retire(id, 120, bob, "Bob's e-bike, November"))
        .to.emit(energyToken, "Retired")
        .withArgs(alice.address, id, 120, bob.address, "Bob's e-bike, November");
      expect(await energyToken.balanceOf(alice, id)).to.equal(380n);
      expect(await energyToken.totalSupply(id)).to.equal(380n);
    });

    it("needs certificates of one's own", async () => {
      const { energyToken, alice, bob } = zone;
      const meter = await exported();
      const id = await energyToken.idOf(slot, Kind.Solar);
      await as(energyToken, alice).mintUnsold(meter.id, slot, 500);
      await as(energyToken, alice).setApprovalForAll(bob, true);
      await expect(as(energyToken, bob).retire(id, 1, bob, "")).to.be.revertedWithCustomError(
        energyToken,
        "ERC1155InsufficientBalance",
      );
      await expect(as(energyToken, alice).retire(id, 501, bob, "")).to.be.revertedWithCustomError(
        energyToken,
        "ERC1155InsufficientBalance",
      );
      await expect(as(energyToken, alice).retire(id, 0, bob, "")).to.be.revertedWithCustomError(
        energyToken,
        "ZeroAmount",
      );
    });

    it("does not count transfers as supply", async () => {
      const { energyToken, alice, bob } = zone;
      const meter = await exported();
      const id = await energyToken.idOf(slot, Kind.Solar);
      await as(energyToken, alice).mintUnsold(meter.id, slot, 500);
      await as(energyToken, alice).safeTransferFrom(alice, bob, id, 100, "0x");
      expect(await energyToken.totalSupply(id)).to.equal(500n);
    });
  });

  describe("receivers that refuse", () => {
    async function receiver() {
      const account = await ethers.deployContract("HostileReceiver");
      return { account, market: await minter(), id: await zone.energyToken.idOf(slot, Kind.Wind) };
    }

    it("get nothing forced on them when they accept", async () => {
      const { energyToken } = zone;
      const { account, market, id } = await receiver();
      await expect(market.mint(account, slot, Kind.Wind, 9)).not.to.emit(energyToken, "Held");
      expect(await energyToken.balanceOf(account, id)).to.equal(9n);
    });

    for (const [what, mood] of [
      ["refuse", Mood.Refuse],
      ["burn all gas", Mood.BurnGas],
      ["answer with a flood of data", Mood.ReturnBomb],
    ] as const) {
      it(`never block a mint when they ${what}, and can have their certificates later`, async () => {
        const { energyToken, stranger } = zone;
        const { account, market, id } = await receiver();
        await account.setMood(mood);
        await expect(market.mint(account, slot, Kind.Wind, 9))
          .to.emit(energyToken, "Held")
          .withArgs(account.target, id, 9);
        await market.mint(account, slot, Kind.Wind, 1);
        expect(await energyToken.held(account, id)).to.equal(10n);
        expect(await energyToken.balanceOf(account, id)).to.equal(0n);
        expect(await energyToken.totalSupply(id)).to.equal(10n);
        await expect(as(energyToken, stranger).release(account, id, { gasLimit: 2_000_000 })).to.revert(ethers);
        expect(await energyToken.held(account, id)).to.equal(10n);

        await account.setMood(Mood.Accept);
        await expect(as(energyToken, stranger).release(account, id))
          .to.emit(energyToken, "Released")
          .withArgs(account.target, id, 10);
        expect(await energyToken.balanceOf(account, id)).to.equal(10n);
        expect(await energyToken.totalSupply(id)).to.equal(10n);
        await expect(energyToken.release(account, id))
          .to.be.revertedWithCustomError(energyToken, "NothingHeld")
          .withArgs(account.target, id);
      });
    }

    it("cost a settlement a bounded amount of gas", async () => {
      const { account, market } = await receiver();
      await account.setMood(Mood.BurnGas);
      const receipt = await (await market.mint(account, slot, Kind.Wind, 9)).wait();
      expect(Number(receipt!.gasUsed)).to.be.lessThan(400_000);
    });

    it("cannot be made to look like refusing by a caller who brings too little gas", async () => {
      const { energyToken } = zone;
      const { account, market, id } = await receiver();
      let held = 0;
      let minted = 0;
      for (let gasLimit = 60_000; gasLimit <= 340_000; gasLimit += 10_000) {
        const answer = await market.mint.staticCallResult(account, slot, Kind.Wind, 9, { gasLimit }).then(
          () => true,
          () => false,
        );
        if (!answer) continue;
        const receipt = await (await market.mint(account, slot, Kind.Wind, 9, { gasLimit })).wait();
        held += receipt!.logs.filter((log) => log.topics[0] === energyToken.getEvent("Held").fragment.topicHash).length;
        minted++;
      }
      expect(held).to.equal(0);
      // Both outcomes were met: too little gas fails as a whole, and above that everything arrives.
      expect(minted).to.be.within(5, 28);
      expect(await energyToken.balanceOf(account, id)).to.equal(9n * BigInt(minted));
    });

    it("cannot take their certificates twice by calling back", async () => {
      const { energyToken } = zone;
      const { account, market, id } = await receiver();
      await account.setMood(Mood.Refuse);
      await market.mint(account, slot, Kind.Wind, 9);
      await account.arm(energyToken, energyToken.interface.encodeFunctionData("release", [account.target, id]));
      await energyToken.release(account, id);
      expect(await account.succeeded()).to.equal(false);
      expect(await energyToken.balanceOf(account, id)).to.equal(9n);
      expect(await energyToken.balanceOf(energyToken, id)).to.equal(0n);
    });
  });

  it("is no place to send certificates to by mistake", async () => {
    const { energyToken, alice } = zone;
    const meter = await exported();
    await as(energyToken, alice).mintUnsold(meter.id, slot, 500);
    const id = await energyToken.idOf(slot, Kind.Solar);
    await expect(
      as(energyToken, alice).safeTransferFrom(alice, energyToken, id, 1, "0x"),
    ).to.be.revertedWithCustomError(energyToken, "ERC1155InvalidReceiver");
  });
});
