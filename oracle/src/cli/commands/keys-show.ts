import { getAddress } from "viem";
import { loadKey } from "../../config/index.ts";
import { addressIn, isKeystore, readKeyFile } from "../../keys/index.ts";
import { command } from "../command.ts";
import { KEY, PASSWORD_FILE } from "../keys.ts";

export default command({
  details: "A keystore tells its address without its password.",
  options: { key: KEY, "password-file": PASSWORD_FILE },
  run: ({ key, "password-file": passwordFile }) => {
    const text = readKeyFile(key, "--key");
    const address = isKeystore(text) ? addressIn(text) : undefined;
    process.stdout.write(`${address ? getAddress(address) : loadKey(key, "--key", passwordFile).address}\n`);
  },
});
