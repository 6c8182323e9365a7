import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { InvalidCursor } from "../errors.js";

/**
 * Makes cursors that clients cannot read or change. Each is valid for one list only. A cursor is encrypted because it
 * holds the sort value, which may be a name, and URLs end up in logs.
 */
export interface CursorSeal {
  /** @param list identifies the list: its organization, filters and order */
  seal(list: unknown, position: unknown): string;
  /**
   * @param parameter holds the cursor in the request; an error names it
   * @returns the sealed position; null without a cursor
   * @throws InvalidCursor when the cursor was not sealed here, for this list, with this admin key
   */
  open<Position>(list: unknown, cursor: string | undefined, parameter?: string): Position | null;
}

const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Encrypts and authenticates (AES-256-GCM) with a key derived from the admin key. */
export function cursorSeal(adminKey: string): CursorSeal {
  const key = Buffer.from(hkdfSync("sha256", adminKey, "", "regulars cursor", 32));
  return {
    seal(list, position) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(Buffer.from(JSON.stringify(list)));
      const sealed = Buffer.concat([cipher.update(JSON.stringify(position), "utf8"), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString("base64url");
    },
    open(list, cursor, parameter = "cursor") {
      if (cursor === undefined) return null;
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
        throw new InvalidCursor(
          parameter,
          "The cursor must come from an earlier answer with the same filters and order.",
        );
      }
    },
  };
}
