import { expect } from "chai";
import { parse } from "yaml";
import { driverInfos, meterDriverSchema, relayDriverSchema } from "./index.ts";

describe("drivers' descriptions", () => {
  for (const { driver, kind, example } of driverInfos) {
    it(`${driver}: the example of this ${kind} is a usable configuration`, () => {
      const schema = kind === "meter" ? meterDriverSchema : relayDriverSchema;
      expect(schema.parse(parse(example))).to.include({ driver });
    });
  }
});
