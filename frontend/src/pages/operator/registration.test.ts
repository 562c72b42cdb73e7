import { encodeRegistration } from "@ioe/protocol";
import { expect } from "chai";
import { readApplication } from "./registration.ts";

const here = { chainId: 31_337, registry: "0x00000000000000000000000000000000000000AA" } as const;
const text = encodeRegistration({
  ...here,
  owner: "0x00000000000000000000000000000000000000b1",
  signer: "0x00000000000000000000000000000000000000c2",
  possession: `0x${"11".repeat(65)}`,
  kind: "Solar",
  maxPowerW: 8_000,
  resolution: 1,
  label: "Roof",
});

describe("a meter's application", () => {
  it("is taken when it was made for this community", () => {
    const application = readApplication(`\n ${text} `, { ...here, registry: here.registry.toLowerCase() });
    expect(application).to.have.property("kind", "ready");
  });
  it("is refused when it was made for another one", () => {
    expect(readApplication(text, { ...here, chainId: 1 }).kind).to.equal("elsewhere");
    expect(readApplication(text, { ...here, registry: `0x${"22".repeat(20)}` }).kind).to.equal("elsewhere");
  });
  it("says what is wrong with a text that is none", () => {
    expect(readApplication("", here).kind).to.equal("empty");
    expect(readApplication("https://example.org", here)).to.have.property("kind", "invalid");
  });
});
