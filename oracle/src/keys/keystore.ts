/**
 * Encrypted key files: Web3 Secret Storage, version 3 (https://ethereum.org/en/developers/docs/data-structures-and-encoding/web3-secret-storage),
 * with scrypt and AES-128-CTR, as geth, ethers and most wallets read and write them.
 */
import { createCipheriv, createDecipheriv, randomBytes, randomUUID, scryptSync, timingSafeEqual } from "node:crypto";
import { keccak256 } from "viem";
import { privateKeyToAddress } from "viem/accounts";
import { z } from "zod";

/** A key file or a password that cannot be used; `message` says why and what to do. It never shows a key or a password. */
export class KeyError extends Error {
  override readonly name = "KeyError";
}

/**
 * scrypt N = 2¹⁵, r = 8, p = 3: one of the equivalent settings OWASP's Password Storage Cheat Sheet recommends. It takes
 * 32 MiB, where geth's 2¹⁸ takes 256 MiB, more than the rest of the oracle.
 */
const COST = { n: 2 ** 15, r: 8, p: 3 };
/** Largest memory that a foreign file may make us use, bytes: twice geth's default. */
const MAX_MEMORY = 512 * 2 ** 20;
const MAX_P = 16;

const hexOf = (bytes: number) => z.string().regex(new RegExp(`^(0x)?[0-9a-fA-F]{${2 * bytes}}$`));
const keystoreSchema = z.object({
  version: z.literal(3),
  address: hexOf(20).optional(),
  crypto: z.object({
    cipher: z.literal("aes-128-ctr"),
    cipherparams: z.object({ iv: hexOf(16) }),
    ciphertext: hexOf(32),
    kdf: z.literal("scrypt"),
    kdfparams: z.object({
      dklen: z.literal(32),
      n: z.int().min(2),
      r: z.int().min(1),
      p: z.int().min(1).max(MAX_P),
      salt: z.string().regex(/^(0x)?([0-9a-fA-F]{2})+$/),
    }),
    mac: hexOf(32),
  }),
});
type Keystore = z.infer<typeof keystoreSchema>;

/** Whether a key file's text looks like a keystore rather than a bare key. */
export function isKeystore(text: string): boolean {
  return text.trimStart().startsWith("{");
}

/** Text of a keystore file. */
export function encryptKey(key: `0x${string}`, password: string): string {
  const [salt, iv] = [randomBytes(32), randomBytes(16)];
  const derived = derive(password, salt, COST);
  const cipher = createCipheriv("aes-128-ctr", derived.subarray(0, 16), iv);
  const ciphertext = Buffer.concat([cipher.update(Buffer.from(key.slice(2), "hex")), cipher.final()]);
  const keystore: Keystore & { id: string } = {
    version: 3,
    id: randomUUID(),
    address: privateKeyToAddress(key).slice(2).toLowerCase(),
    crypto: {
      cipher: "aes-128-ctr",
      cipherparams: { iv: iv.toString("hex") },
      ciphertext: ciphertext.toString("hex"),
      kdf: "scrypt",
      kdfparams: { dklen: 32, ...COST, salt: salt.toString("hex") },
      mac: macOf(derived, ciphertext).toString("hex"),
    },
  };
  return `${JSON.stringify(keystore, null, 2)}\n`;
}

/** The private key in a keystore file. @throws KeyError for a wrong password or a file that is none of ours. */
export function decryptKey(text: string, password: string): `0x${string}` {
  const { crypto } = parse(text);
  const { kdfparams, cipherparams } = crypto;
  const ciphertext = bytes(crypto.ciphertext);
  const derived = derive(password, bytes(kdfparams.salt), kdfparams);
  if (!timingSafeEqual(macOf(derived, ciphertext), bytes(crypto.mac))) throw new KeyError("the password is wrong");
  const decipher = createDecipheriv("aes-128-ctr", derived.subarray(0, 16), bytes(cipherparams.iv));
  return `0x${Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString("hex")}`;
}

/** Address a keystore says it holds, without its password; some writers leave it out. @throws KeyError */
export function addressIn(text: string): `0x${string}` | undefined {
  const { address } = parse(text);
  return address === undefined ? undefined : `0x${bytes(address).toString("hex")}`;
}

function parse(text: string): Keystore {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    throw new KeyError("the keystore is not JSON; restore the file from its backup");
  }
  // Geth writes `crypto`, old wallets wrote `Crypto`.
  const { Crypto, ...file } = raw as { Crypto?: unknown };
  const result = keystoreSchema.safeParse(Crypto === undefined ? file : { ...file, crypto: Crypto });
  if (result.success) return result.data;
  const [{ path, message } = { path: [], message: "" }] = result.error.issues;
  throw new KeyError(
    `not a Web3 keystore of version 3 with scrypt and aes-128-ctr (${path.join(".")}: ${message}); save it again with a current wallet`,
  );
}

function derive(password: string, salt: Buffer, { n, r, p }: { n: number; r: number; p: number }): Buffer {
  const memory = 128 * r * (n + p + 2);
  try {
    if (memory > MAX_MEMORY) throw new RangeError(`needs ${memory} bytes`);
    return scryptSync(password.normalize("NFKC"), salt, 32, { N: n, r, p, maxmem: 2 * memory });
  } catch (error) {
    throw new KeyError(`the keystore's scrypt parameters (n ${n}, r ${r}, p ${p}) are not usable here`, {
      cause: error,
    });
  }
}

function macOf(derived: Buffer, ciphertext: Buffer): Buffer {
  return Buffer.from(keccak256(Buffer.concat([derived.subarray(16, 32), ciphertext]), "bytes"));
}

function bytes(hex: string): Buffer {
  return Buffer.from(hex.startsWith("0x") ? hex.slice(2) : hex, "hex");
}
