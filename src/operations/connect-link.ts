import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";

/** How long a link may wait to be opened, and a seller may take at Square. */
export const CONNECT_WITHIN_MS = 10 * 60_000;

/** Signs what a browser carries while a seller connects. The key is derived from TOKEN_ENCRYPTION_KEY. */
export class ConnectSeal {
  readonly #key: Buffer;

  constructor(tokenEncryptionKey: Buffer) {
    this.#key = Buffer.from(hkdfSync("sha256", tokenEncryptionKey, "", "regulars connect", 32));
  }

  /** @param purpose a value that is sealed for one purpose opens for no other */
  seal(purpose: "link" | "state", value: string, now: Date): string {
    const expires = now.getTime() + CONNECT_WITHIN_MS;
    return `${value}.${expires}.${this.#sign(purpose, value, expires)}`;
  }

  /** @returns the sealed value, or undefined when it was changed or has expired */
  open(purpose: "link" | "state", sealed: string, now: Date): string | undefined {
    const [value = "", until = "", signature = "", ...rest] = sealed.split(".");
    const expires = Number(until);
    const expected = Buffer.from(this.#sign(purpose, value, expires));
    const given = Buffer.from(signature);
    const isSigned = given.length === expected.length && timingSafeEqual(given, expected);
    return isSigned && rest.length === 0 && expires > now.getTime() ? value : undefined;
  }

  #sign(purpose: string, value: string, expires: number): string {
    return createHmac("sha256", this.#key).update(`${purpose}.${value}.${expires}`).digest("base64url");
  }
}
