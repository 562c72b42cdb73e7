import { generatePrivateKey, privateKeyToAddress } from "viem/accounts";
import { newPassword, writeKey } from "../../keys/index.ts";
import { command } from "../command.ts";
import { OUT, PASSWORD_FILE, PLAIN } from "../keys.ts";

export default command({
  details: "Prints the key's address. The key itself is never shown.",
  options: { out: OUT, "password-file": PASSWORD_FILE, plain: PLAIN },
  run: ({ out, "password-file": passwordFile, plain }) => {
    const password = plain ? undefined : newPassword(passwordFile);
    const key = generatePrivateKey();
    writeKey(out, key, password);
    process.stdout.write(`${privateKeyToAddress(key)}\n`);
  },
});
