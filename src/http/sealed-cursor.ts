import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { InvalidCursor } from "../errors.js";

/**
 * Makes cursors that nobody can read or change, each good for one list only. A cursor holds what the list is sorted by, which
 * may be a name, and addresses end up in logs.
 */
export interface CursorSeal {
  /** @param list what the list is: its organization, filters and order */
  seal(list: unknown, place: unknown): string;
  /** @throws {InvalidCursor} for what was not sealed here, for another list, or with another admin key */
  open(list: unknown, cursor: string): unknown;
}

const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Encrypts and authenticates (AES-256-GCM) with a key made of the admin key. */
export function cursorSeal(adminKey: string): CursorSeal {
  const key = Buffer.from(hkdfSync("sha256", adminKey, "", "regulars cursor", 32));
  return {
    seal(list, place) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(Buffer.from(JSON.stringify(list)));
      const sealed = Buffer.concat([cipher.update(JSON.stringify(place), "utf8"), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString("base64url");
    },
    open(list, cursor) {
      const bytes = Buffer.from(cursor, "base64url");
      try {
        const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, IV_BYTES), {
          authTagLength: TAG_BYTES,
        });
        decipher.setAAD(Buffer.from(JSON.stringify(list)));
        decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
        const opened = [decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()];
        return JSON.parse(Buffer.concat(opened).toString("utf8"));
      } catch {
        throw new InvalidCursor("A cursor is what an earlier answer to the same question gave.");
      }
    },
  };
}
