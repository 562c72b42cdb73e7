import { expect } from "chai";
import { mayNotify, notify, wantNotifications } from "./system.ts";

/** What a browser has and Node has not. */
const NAMES = ["Notification", "localStorage", "document", "navigator"] as const;

describe("messages outside of the page", () => {
  const before = NAMES.map((name) => Object.getOwnPropertyDescriptor(globalThis, name));
  let shown: string[];
  let answer: NotificationPermission;
  let page: { hidden: boolean };

  const put = (name: (typeof NAMES)[number], value: unknown) =>
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });

  beforeEach(() => {
    shown = [];
    answer = "granted";
    page = { hidden: true };
    const kept = new Map<string, string>();
    put("localStorage", { getItem: (key: string) => kept.get(key) ?? null, setItem: kept.set.bind(kept) });
    put("document", page);
    put(
      "Notification",
      class {
        static permission: NotificationPermission = "default";
        static requestPermission() {
          this.permission = answer;
          return Promise.resolve(answer);
        }
      },
    );
    const worker = { showNotification: (_title: string, { body }: { body: string }) => shown.push(body) };
    put("navigator", { serviceWorker: { getRegistration: () => Promise.resolve(worker) } });
  });

  afterEach(() => {
    for (const [i, name] of NAMES.entries()) {
      if (before[i]) Object.defineProperty(globalThis, name, before[i]);
      else Reflect.deleteProperty(globalThis, name);
    }
  });

  const told = async (sentence: string) => {
    notify(sentence);
    await new Promise(setImmediate);
    return shown;
  };

  it("are sent to somebody who asked for them and looks elsewhere", async () => {
    expect(await told("too early")).to.deep.equal([]);
    expect(await wantNotifications()).to.equal("on");
    expect(await told("0.1 kWh arrived")).to.deep.equal(["0.1 kWh arrived"]);
    page.hidden = false;
    expect(await told("on the page already")).to.have.length(1);
  });
  it("are not sent when the browser says no", async () => {
    answer = "denied";
    expect(await wantNotifications()).to.equal("blocked");
    expect(await told("no")).to.deep.equal([]);
  });
  it("are not offered where there are none", () => {
    Reflect.deleteProperty(globalThis, "Notification");
    expect(mayNotify()).to.equal("unsupported");
  });
});
