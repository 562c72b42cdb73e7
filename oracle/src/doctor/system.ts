import { existsSync } from "node:fs";
import { dirname } from "node:path";
import type { OracleConfig } from "../config/index.ts";
import { type Finding, error, ok, warning } from "./finding.ts";
import type { Host } from "./host.ts";

const OLDEST_NODE = [22, 18] as const;
const LITTLE_SPACE = 200 * 2 ** 20;
const NO_SPACE = 20 * 2 ** 20;
const CONFIG_TXT = "/boot/firmware/config.txt";

/** What the computer must offer, whatever is connected to it. */
export async function checkSystem(host: Host, config: OracleConfig): Promise<Finding[]> {
  return [
    checkNode(host),
    checkArchitecture(host),
    await checkTime(host),
    await checkWatchdog(host),
    await checkJournal(host, config.journal),
    ...checkDevices(host, config),
    ...checkPins(host, config),
  ];
}

function checkNode({ nodeVersion }: Host): Finding {
  const [major = 0, minor = 0] = nodeVersion.split(".").map(Number);
  const good = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  if (good) return ok("node", nodeVersion);
  return error(
    "node",
    `${nodeVersion} is older than ${OLDEST_NODE.join(".")}`,
    "run the installer, which brings its own",
  );
}

function checkArchitecture({ architecture }: Host): Finding {
  if (architecture === "arm64" || architecture === "x64") return ok("64-bit", architecture);
  return error("64-bit", `${architecture} is not supported`, "install the 64-bit Raspberry Pi OS");
}

/** Readings carry their time: with a wrong one they are refused, or booked to another slot. */
async function checkTime(host: Host): Promise<Finding> {
  const synchronised = host.clockSynchronised();
  if (synchronised) return ok("time", "synchronised");
  // A container sees the kernel's flag only; timedatectl knows the service.
  const said = await host.run("timedatectl", "show", "--property=NTPSynchronized", "--value");
  if (said?.trim() === "yes") return ok("time", "synchronised");
  const todo = "sudo timedatectl set-ntp true, and let UDP port 123 out of the house";
  if (synchronised === undefined && said === undefined) return warning("time", "cannot be asked about", todo);
  return error("time", "the clock is not synchronised", todo);
}

/** The board's own watchdog restarts a Pi whose kernel hangs; a relay on a pin depends on it. */
async function checkWatchdog(host: Host): Promise<Finding> {
  const todo = `write "[Manager]\\nRuntimeWatchdogSec=15" to /etc/systemd/system.conf.d/watchdog.conf and reboot`;
  if (host.denied("/dev/watchdog") === "ENOENT") return warning("watchdog", "there is no /dev/watchdog", todo);
  const set = (await host.run("systemctl", "show", "--property=RuntimeWatchdogUSec", "--value"))?.trim();
  if (set !== undefined && set !== "" && set !== "0" && set !== "infinity") return ok("watchdog", `after ${set}`);
  return warning("watchdog", "systemd does not feed the hardware watchdog", todo);
}

async function checkJournal(host: Host, journal: string): Promise<Finding> {
  const folder = dirname(journal);
  const target = existsSync(journal) ? journal : folder;
  const denied = host.denied(target);
  if (denied) {
    return error(
      "journal",
      `${target} cannot be written (${denied})`,
      `give it to the user that runs the oracle: sudo chown ioe: ${target}`,
    );
  }
  const free = await host.freeBytes(folder);
  const text = `${Math.round(free / 2 ** 20)} MB free at ${folder}`;
  if (free >= LITTLE_SPACE) return ok("journal", text);
  const todo = "make room: sudo journalctl --vacuum-size=100M, sudo apt-get clean";
  return free >= NO_SPACE ? warning("journal", text, todo) : error("journal", text, todo);
}

/** Group that opens a kind of device on Raspberry Pi OS. */
const GROUPS: [RegExp, string][] = [
  [/^\/dev\/(tty|serial)/, "dialout"],
  [/^\/dev\/i2c/, "i2c"],
  [/^\/dev\/gpio/, "gpio"],
];

/** Every device file that the configuration names, in whichever driver. */
function checkDevices(host: Host, { meter, relays }: OracleConfig): Finding[] {
  return [...new Set(devicePaths([meter, relays]))].map((path) => {
    const denied = host.denied(path);
    if (!denied) return ok("device", `${path} may be used`);
    if (denied === "ENOENT") {
      return error(
        "device",
        `${path} is not there`,
        "check plug and cable; the names that last are in /dev/serial/by-id",
      );
    }
    const group = GROUPS.find(([pattern]) => pattern.test(path))?.[1] ?? "of the device";
    return error(
      "device",
      `${path} may not be used (${denied})`,
      `add the user to the group ${group}: sudo usermod -aG ${group} ioe`,
    );
  });
}

function devicePaths(value: unknown): string[] {
  if (typeof value === "string") return value.startsWith("/dev/") ? [value] : [];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(devicePaths) : [];
}

interface PinRelay {
  name: string;
  gpio: number;
  activeLow: boolean;
}

function checkPins(host: Host, { relays }: OracleConfig): Finding[] {
  const pins = Object.entries(relays).flatMap(([name, relay]) => pinOf(name, relay) ?? []);
  if (pins.length === 0) return [];
  const configTxt = host.read(CONFIG_TXT) ?? host.read("/boot/config.txt") ?? "";
  return [checkRelease(host, configTxt), ...pins.map((pin) => checkBoot(pin, configTxt))];
}

/** A relay on a numbered pin of the header, by the drivers gpio (`line: GPIO17`) and rpi-gpio (`pin: 17`). */
function pinOf(name: string, relay: object): PinRelay | undefined {
  const { driver, line, pin, activeLow } = relay as Record<string, unknown>;
  if (driver !== "gpio" && driver !== "rpi-gpio") return undefined;
  const gpio = typeof pin === "number" ? pin : Number(/^GPIO(\d+)$/.exec(String(line))?.[1] ?? NaN);
  return Number.isNaN(gpio) ? undefined : { name, gpio, activeLow: activeLow === true };
}

/** Raspberry Pi's pin controllers keep an output's level when its process dies, unless they are told not to. */
function checkRelease(host: Host, configTxt: string): Finding {
  const drivers = ["pinctrl_bcm2835", "pinctrl_rp1"];
  const persist = drivers.map((driver) => host.read(`/sys/module/${driver}/parameters/persist_gpio_outputs`)?.trim());
  const strict = persist.includes("N") || /^\s*dtparam=(?:.*,)?strict_gpiod\b(?!=off)/m.test(configTxt);
  if (strict && !persist.includes("Y")) return ok("gpio release", "pins become inputs when the oracle dies");
  return warning(
    "gpio release",
    "a pin keeps its level when all processes that hold it are killed",
    `add the line dtparam=strict_gpiod to ${CONFIG_TXT} and reboot`,
  );
}

/**
 * From power-up until the oracle starts a pin is an input with the chip's own pull: up for GPIO 0 to 8, down for the
 * others (BCM2835 ARM Peripherals, table 6-31; the RP1 of a Pi 5 alike). The firmware applies `gpio=` of config.txt only
 * after a few seconds (https://www.raspberrypi.com/documentation/computers/config_txt.html#gpio-control).
 */
function checkBoot({ name, gpio, activeLow }: PinRelay, configTxt: string): Finding {
  const check = `relay ${name}`;
  const closesAt = (level: "high" | "low") => (level === "low") === activeLow;
  const pulled = gpio <= 8 ? "high" : "low";
  const level = configuredLevel(gpio, configTxt) ?? pulled;
  const kind = activeLow ? "active-low" : "active-high";
  const [pull, drive, pins] = activeLow
    ? ["pu", "dh", "GPIO 4, 5 or 6 (pulled up)"]
    : ["pd", "dl", "GPIO 9 to 27 (pulled down)"];
  const move = `wire the relay to ${pins}`;
  if (closesAt(level)) {
    return error(
      check,
      `GPIO${gpio} is ${level} while the Pi boots, which closes an ${kind} relay`,
      `${move}; second best: the line gpio=${gpio}=op,${drive},${pull} in ${CONFIG_TXT}`,
    );
  }
  if (!closesAt(pulled)) return ok(check, `GPIO${gpio} is ${level} while the Pi boots: open`);
  return warning(
    check,
    `an ${kind} relay on GPIO${gpio} closes for some seconds at power-on, until the firmware has read ${CONFIG_TXT}`,
    move,
  );
}

/** `gpio=17=op,dh` or `gpio=17,27=pu` or `gpio=9-27=pd`; the last line that speaks of a pin counts. */
function configuredLevel(gpio: number, configTxt: string): "high" | "low" | undefined {
  let level: "high" | "low" | undefined;
  for (const [, pins = "", options = ""] of configTxt.matchAll(/^\s*gpio=([\d,-]+)=([a-z0-9,]+)/gm)) {
    const meant = pins.split(",").some((range) => {
      const [first = NaN, last = first] = range.split("-").map(Number);
      return gpio >= first && gpio <= last;
    });
    if (!meant) continue;
    const words = options.split(",");
    const [up, down] = words.includes("op") ? ["dh", "dl"] : ["pu", "pd"];
    if (words.includes(up)) level = "high";
    else if (words.includes(down)) level = "low";
  }
  return level;
}
