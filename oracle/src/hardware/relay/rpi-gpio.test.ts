import { expect } from "chai";
import { refusalOf, rpiGpioSchema } from "./rpi-gpio.ts";

describe("relay driver rpi-gpio", () => {
  it("takes a kernel that numbers pins as the header does", () => {
    expect(refusalOf(17, [{ label: "pinctrl-bcm2835", base: 0, lines: 54 }])).to.equal(undefined);
  });

  it("refuses a kernel that numbers them from 512, or has no sysfs, and says what to use", () => {
    const advice = 'use "driver: gpio" with "line: GPIO17" instead';
    expect(refusalOf(17, [{ label: "pinctrl-bcm2711", base: 512, lines: 58 }])).to.equal(
      "rpi-gpio needs GPIO numbers that begin at 0, and this kernel numbers pinctrl-bcm2711 from 512 (Raspberry Pi " +
        `kernels do so since 6.6); ${advice}`,
    );
    expect(refusalOf(17, [])).to.include("this kernel shows no GPIO chip there").and.include(advice);
    expect(refusalOf(17, undefined)).to.equal(`this kernel has no /sys/class/gpio; ${advice}`);
  });

  it("asks which level closes the contact", () => {
    const { error } = rpiGpioSchema.safeParse({ driver: "rpi-gpio", pin: 17 });
    expect(error?.issues[0]?.message).to.equal("expected true (a low level closes the contact) or false");
  });
});
