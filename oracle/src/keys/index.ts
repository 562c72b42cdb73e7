export { parseHexKey, readKey, readKeyFile, writeKey } from "./file.ts";
export { KeyError, addressIn, decryptKey, encryptKey, isKeystore } from "./keystore.ts";
export { CREDENTIAL, canPrompt, newPassword, password, promptSecret } from "./password.ts";
