import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

const FORMAT = 1;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts a Square access token for storage with AES-256-GCM. The ciphertext is bound to the merchant: copied into
 * another organization's row, it cannot be decrypted.
 *
 * @param key the 32 bytes of TOKEN_ENCRYPTION_KEY
 * @returns format byte, nonce, tag, ciphertext
 */
export function encryptAccessToken(key: Buffer, merchantId: string, token: string): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(Buffer.from(merchantId, "utf8"));
  const ciphertext = Buffer.concat([cipher.update(token, "utf8"), cipher.final()]);
  return Buffer.concat([Buffer.of(FORMAT), iv, cipher.getAuthTag(), ciphertext]);
}

/** @throws when the key or the merchant differs from the one at encryption, or when a byte has changed */
export function decryptAccessToken(key: Buffer, merchantId: string, stored: Uint8Array): string {
  const bytes = Buffer.from(stored);
  if (bytes[0] !== FORMAT) throw new Error("The stored access token has an unknown format.");
  const iv = bytes.subarray(1, 1 + IV_BYTES);
  const tag = bytes.subarray(1 + IV_BYTES, 1 + IV_BYTES + TAG_BYTES);
  const decipher = createDecipheriv("aes-256-gcm", key, iv, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(merchantId, "utf8")).setAuthTag(tag);
  const ciphertext = bytes.subarray(1 + IV_BYTES + TAG_BYTES);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString("utf8");
}
