/** Options that the commands about keys share. */
export const OUT = { value: "FILE", required: true, help: "the new file, mode 0600; must not exist" } as const;
export const KEY = { value: "FILE", required: true, help: "keystore, or bare key file" } as const;
export const PASSWORD_FILE = {
  value: "FILE",
  help: "file with the keystore's password; without it the terminal asks",
} as const;
export const PLAIN = { help: "write the bare key, unencrypted: for local chains only" } as const;
