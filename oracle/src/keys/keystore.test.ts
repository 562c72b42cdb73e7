import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Wallet, decryptKeystoreJson, encryptKeystoreJson } from "ethers";
import { KeyError, addressIn, decryptKey, encryptKey, password, readKey, writeKey } from "./index.ts";

const KEY = `0x${"4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"}` as const;
const ADDRESS = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23";
const PASSWORD = "Sonne über Ω";
/** Cheap, so that tests are: the cost is the file's to say. */
const CHEAP = { scrypt: { N: 1_024, r: 8, p: 1 } };

describe("keystore", function () {
  this.timeout(60_000);

  it("is read by ethers", async () => {
    const account = await decryptKeystoreJson(encryptKey(KEY, PASSWORD), PASSWORD);
    expect(account.privateKey).to.equal(KEY);
    expect(account.address).to.equal(ADDRESS);
  });

  it("is read when ethers wrote it, with its default cost as well", async () => {
    for (const options of [CHEAP, {}]) {
      const text = await encryptKeystoreJson(new Wallet(KEY), PASSWORD, options);
      expect(decryptKey(text, PASSWORD)).to.equal(KEY);
      expect(addressIn(text)).to.equal(ADDRESS.toLowerCase());
    }
  });

  describe("that cannot be used", () => {
    const file = () => JSON.parse(encryptKey(KEY, PASSWORD)) as { crypto: { kdfparams: { n: number }; kdf: string } };
    const read = (change: (keystore: ReturnType<typeof file>) => void) => () => {
      const keystore = file();
      change(keystore);
      return decryptKey(JSON.stringify(keystore), PASSWORD);
    };

    it("says that the password is wrong, without showing either secret", () => {
      const text = encryptKey(KEY, PASSWORD);
      expect(() => decryptKey(text, "guess")).to.throw(KeyError, /^the password is wrong$/);
      expect(text).to.not.contain(KEY.slice(2)).and.not.contain(PASSWORD);
    });

    it("is refused when another method derives the key", () => {
      expect(read((keystore) => (keystore.crypto.kdf = "pbkdf2"))).to.throw(KeyError, /crypto\.kdf.*save it again/);
    });

    it("cannot make us use all the memory", () => {
      expect(read((keystore) => (keystore.crypto.kdfparams.n = 2 ** 24))).to.throw(KeyError, /n 16777216.*not usable/);
    });

    it("says so when scrypt's parameters break RFC 7914 (N < 2^(16 r)), as the specification's own example does", () => {
      const change = (keystore: ReturnType<typeof file>) =>
        Object.assign(keystore.crypto.kdfparams, { n: 2 ** 18, r: 1 });
      expect(read(change)).to.throw(KeyError, /n 262144, r 1, p 3.*not usable/);
    });

    it("is refused when it is cut off", () => {
      expect(() => decryptKey(encryptKey(KEY, PASSWORD).slice(0, 100), PASSWORD)).to.throw(
        KeyError,
        /not JSON.*backup/,
      );
    });
  });

  describe("on disk", () => {
    let dir: string;
    beforeEach(() => (dir = mkdtempSync(join(tmpdir(), "ioe-keys-"))));
    afterEach(() => {
      delete process.env.CREDENTIALS_DIRECTORY;
      rmSync(dir, { recursive: true });
    });
    const write = (name: string, text: string, mode = 0o600) => {
      const path = join(dir, name);
      writeFileSync(path, text);
      chmodSync(path, mode);
      return path;
    };

    it("belongs to its owner alone and is never overwritten", () => {
      const path = join(dir, "meter.json");
      writeKey(path, KEY, PASSWORD);
      expect(statSync(path).mode & 0o777).to.equal(0o600);
      const before = readFileSync(path, "utf8");
      expect(() => writeKey(path, KEY, PASSWORD)).to.throw(KeyError, /exists already/);
      expect(readFileSync(path, "utf8")).to.equal(before);
      expect(readKey(path, "keys.meter", write("password", `${PASSWORD}\n`))).to.equal(KEY);
    });

    it("opens with systemd's credential", () => {
      const path = join(dir, "meter.json");
      writeKey(path, KEY, PASSWORD);
      write("ioe-password", PASSWORD, 0o440);
      process.env.CREDENTIALS_DIRECTORY = dir;
      expect(readKey(path, "keys.meter")).to.equal(KEY);
    });

    it("does not take a password that others can read", () => {
      expect(() => password("the key", write("password", PASSWORD, 0o644))).to.throw(KeyError, /chmod 600/);
    });

    it("says how to give a password when nobody can be asked", function () {
      if (process.stdin.isTTY) this.skip();
      const path = join(dir, "meter.json");
      writeKey(path, KEY, PASSWORD);
      expect(() => readKey(path, "keys.meter")).to.throw(
        KeyError,
        /keys\.meter: .*no terminal.*credential ioe-password/,
      );
    });
  });
});
