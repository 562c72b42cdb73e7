import { readFileSync } from "node:fs";
import { privateKeyToAddress } from "viem/accounts";
import { KeyError, canPrompt, newPassword, parseHexKey, promptSecret, readKey, writeKey } from "../../keys/index.ts";
import { command } from "../command.ts";
import { OUT, PASSWORD_FILE, PLAIN } from "../keys.ts";

export default command({
  details: `
Without --from the key (32 bytes in hex) is asked for on the terminal, or read from standard input. Encrypting a bare key
file is importing it: ioe keys import --from meter.key --out meter.json`,
  options: {
    out: OUT,
    from: { value: "FILE", help: "keystore or bare key file to read" },
    "from-password-file": { value: "FILE", help: "file with that keystore's password" },
    "password-file": PASSWORD_FILE,
    plain: PLAIN,
  },
  run: ({ out, from, "from-password-file": fromPasswordFile, "password-file": passwordFile, plain }) => {
    const key = from === undefined ? typedKey() : readKey(from, "--from", fromPasswordFile);
    const address = addressOf(key);
    writeKey(out, key, plain ? undefined : newPassword(passwordFile));
    process.stdout.write(`${address}\n`);
  },
});

function typedKey(): `0x${string}` {
  const key = parseHexKey(canPrompt() ? promptSecret("private key (hex): ") : readFileSync(0, "utf8"));
  if (!key) throw new KeyError("this is not a private key: 32 bytes in hex, 64 digits");
  return key;
}

function addressOf(key: `0x${string}`): string {
  try {
    return privateKeyToAddress(key);
  } catch {
    throw new KeyError("this is not a private key: it lies outside of the curve's order");
  }
}
