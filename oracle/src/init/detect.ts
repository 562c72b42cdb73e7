import { existsSync, readdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";

/** What is connected to this computer. */
export interface Detected {
  /** Paths; the ones that name the adapter, and so survive unplugging, if there are any. */
  serial: string[];
  gpioChips: string[];
  i2c: string[];
  /** A broker on this computer. */
  mqtt: boolean;
}

const MQTT_PORT = 1_883;
const KNOCK_MS = 300;

/** @param root where /dev is; tests bring their own. */
export async function detect(root = "/"): Promise<Detected> {
  const list = (folder: string, pattern: RegExp) => {
    const path = join(root, folder);
    if (!existsSync(path)) return [];
    return readdirSync(path)
      .filter((name) => pattern.test(name))
      .sort()
      .map((name) => `/${folder}/${name}`);
  };
  const lasting = list("dev/serial/by-id", /./);
  return {
    serial: lasting.length > 0 ? lasting : list("dev", /^tty(USB|ACM|AMA)\d+$/),
    gpioChips: list("dev", /^gpiochip\d+$/),
    i2c: list("dev", /^i2c-\d+$/),
    mqtt: await answers(MQTT_PORT),
  };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, timeout: KNOCK_MS });
    const say = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket
      .once("connect", () => say(true))
      .once("error", () => say(false))
      .once("timeout", () => say(false));
  });
}
