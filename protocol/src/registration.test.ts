import { expect } from "chai";
import { type MeterRegistration, RegistrationError, encodeRegistration, parseRegistration } from "./registration.ts";

const REGISTRATION: MeterRegistration = {
  chainId: 31_337,
  registry: "0x5FbDB2315678afecb367f032d93F642f64180aa3",
  owner: "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
  signer: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
  possession: `0x${"ab".repeat(64)}1b`,
  kind: "Solar",
  maxPowerW: 8_000,
  resolution: 1,
  label: "Dach & Süd = 100 %",
};

describe("a meter's registration", () => {
  it("survives the way through a QR code", () => {
    const text = encodeRegistration(REGISTRATION);
    expect(parseRegistration(`\n ${text}\r\n`)).to.deep.equal(REGISTRATION);
    expect(text).to.match(/^ioe:register\?v=1&chain=31337&registry=0x5FbDB2315678afecb367f032d93F642f64180aa3&[!-~]+$/);
  });

  it("fits a P-256 key, and does without a label", () => {
    const { label: _, ...bare } = REGISTRATION;
    const p256: MeterRegistration = { ...bare, signer: `0x${"12".repeat(84)}`, possession: `0x${"34".repeat(64)}` };
    expect(parseRegistration(encodeRegistration(p256))).to.deep.equal(p256);
  });

  const text = encodeRegistration(REGISTRATION);
  const wrong: [string, string, RegExp][] = [
    ["a wallet's QR code", "ethereum:0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", /not a meter's registration/],
    ["a text cut off", text.slice(0, 150), /must be an address|is missing/],
    ["a newer format", text.replace("v=1", "v=2"), /format 2, known is 1; update/],
    ["a parameter nobody knows", `${text}&fee=1`, /parameter "fee"/],
    ["a parameter that stands there twice", `${text}&kind=Wind`, /kind stands there twice/],
    ["a kind that does not exist", text.replace("Solar", "Coal"), /kind must be one of Load, Solar/],
    ["a short signature", text.replace("abab1b", ""), /possession must be a signature/],
    ["a signer of 21 bytes", text.replace("dc79C8", "dc79C8ff"), /signer must be 20 bytes/],
    ["a power that is no integer", text.replace("power=8000", "power=8e3"), /power must be an integer/],
    ["no power", text.replace("power=8000", "power=0"), /power must be an integer from 1/],
    ["a power above 32 bits", text.replace("power=8000", "power=4294967296"), /power must be an integer from 1/],
    ["a chain that is none", text.replace("chain=31337", "chain=0"), /chain must be a positive integer/],
    ["broken percent-encoding", text.replace("label=", "label=%E0%A4"), /label must be percent-encoded/],
    ["a label that draws on the screen", text.replace("label=", "label=%1B%5B2J"), /label must be text/],
    ["an endless text", `${text}${"0".repeat(2_000)}`, /at most 2000 characters/],
  ];
  for (const [what, input, message] of wrong) {
    it(`refuses ${what}`, () => expect(() => parseRegistration(input)).to.throw(RegistrationError, message));
  }

  it("refuses to write what nobody could read", () => {
    const tooLong = { ...REGISTRATION, label: "x".repeat(65) };
    expect(() => encodeRegistration(tooLong)).to.throw(RegistrationError, /label/);
  });
});
