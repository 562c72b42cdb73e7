import { createECDH } from "node:crypto";
import { ethers } from "ethers";

export const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
export const WORD = 32;

export const hex = (value: bigint): string => value.toString(16).padStart(2 * WORD, "0");

/** Coordinates x‖y of the generator times this number. */
function pointOf(factor: bigint): string {
  const curve = createECDH("prime256v1");
  curve.setPrivateKey(hex(factor), "hex");
  return curve.getPublicKey("hex", "uncompressed").slice(2);
}

function inverse(value: bigint): bigint {
  let result = 1n;
  for (let base = value, exponent = ORDER - 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % ORDER;
    base = (base * base) % ORDER;
  }
  return result;
}

/** What a secure element does: it keeps a P-256 key and signs digests (FIPS 186-5, 6.4), r‖s with the lower s. */
export class Element {
  readonly #key: bigint;
  /** The key's point, x‖y. */
  readonly point: string;
  readonly signer: string;

  constructor(name: string, registry: string) {
    this.#key = BigInt(ethers.id(name)) % ORDER;
    this.point = `0x${pointOf(this.#key)}`;
    this.signer = ethers.concat([registry, this.point]);
  }

  sign(digest: string): string {
    const nonce = BigInt(ethers.keccak256(ethers.concat([`0x${hex(this.#key)}`, digest]))) % ORDER;
    const r = BigInt(`0x${pointOf(nonce).slice(0, 2 * WORD)}`) % ORDER;
    const s = (inverse(nonce) * (BigInt(digest) + r * this.#key)) % ORDER;
    return `0x${hex(r)}${hex(s > ORDER / 2n ? ORDER - s : s)}`;
  }
}
