import { expect } from "chai";
import { DeviceError } from "../types.ts";
import { findLine } from "./gpio.ts";

const chip = (path: string, label: string, lines: string[]) => ({
  path,
  name: path.slice("/dev/".length),
  label,
  lines: lines.map((name, offset) => ({ name, offset, consumer: "" })),
});
const pi = chip("/dev/gpiochip0", "pinctrl-bcm2711", ["ID_SDA", "ID_SCL", "GPIO2", "GPIO17"]);
const expander = chip("/dev/gpiochip1", "pcf8574", ["GPIO2", "-", ""]);

function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    expect(error).to.be.instanceOf(DeviceError);
    return (error as Error).message;
  }
  throw new Error("it was not refused");
}

describe("choice of a GPIO line", () => {
  it("finds a line by its name on whichever chip", () => {
    const found = findLine("relay a", { line: "GPIO17" }, [expander, pi]);
    expect([found.chip.label, found.line.offset]).to.deep.equal(["pinctrl-bcm2711", 3]);
  });

  it("finds a chip by label, name or path", () => {
    for (const where of ["pcf8574", "gpiochip1", "/dev/gpiochip1"]) {
      expect(findLine("relay a", { line: "GPIO2", chip: where }, [pi, expander]).chip).to.equal(expander);
    }
  });

  it("does not guess between two lines of one name", () => {
    expect(refusal(() => findLine("relay a", { line: "GPIO2" }, [pi, expander]))).to.equal(
      'relay a: GPIO2 is the name of a line on pinctrl-bcm2711 and pcf8574; say which with "chip"',
    );
  });

  it("lists the lines, or the chips, that there are", () => {
    expect(refusal(() => findLine("relay a", { line: "17", chip: "pinctrl-bcm2711" }, [pi, expander]))).to.equal(
      'relay a: there is no GPIO line named "17"; pinctrl-bcm2711 has ID_SDA, ID_SCL, GPIO2, GPIO17',
    );
    expect(refusal(() => findLine("relay a", { line: "GPIO17", chip: "pinctrl-rp1" }, [pi]))).to.equal(
      'relay a: there is no GPIO chip "pinctrl-rp1"; this computer has pinctrl-bcm2711 (/dev/gpiochip0)',
    );
    const nameless = chip("/dev/gpiochip0", "pl061", ["", ""]);
    expect(refusal(() => findLine("relay a", { line: "GPIO1" }, [nameless]))).to.include(
      "pl061 has 2 lines without names",
    );
    expect(refusal(() => findLine("relay a", { line: "GPIO17" }, []))).to.include(
      "this computer has no /dev/gpiochip*",
    );
  });
});
