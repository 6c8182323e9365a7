import { createHmac, timingSafeEqual } from "node:crypto";

/**
 * Signs a webhook body as Square does.
 *
 * @param key the subscription's signature key, used as UTF-8 text although it looks like base64
 * @param notificationUrl the URL exactly as subscribed, including a trailing slash
 * @param body the raw bytes; a string is encoded as UTF-8
 * @returns the HMAC-SHA256 over URL and body in base64, 44 characters, for `x-square-hmacsha256-signature`
 * @see https://developer.squareup.com/docs/webhooks/step3validate
 */
export function signBody(key: string, notificationUrl: string, body: Buffer | string): string {
  return createHmac("sha256", key).update(notificationUrl, "utf8").update(body).digest("base64");
}

export interface SignedRequest {
  /** The value of `x-square-hmacsha256-signature`. A missing or repeated header is refused. */
  readonly header: string | string[] | undefined;
  /** The valid keys. There are two during a rotation. Without keys every request is refused. */
  readonly keys: readonly string[];
  /** The configured URL. It is never built from request headers, because the sender chooses those. */
  readonly notificationUrl: string;
  /** The bytes as received. Decoding and encoding could change them. */
  readonly rawBody: Buffer;
}

/**
 * Whether a request was signed with one of the keys. Never throws.
 *
 * It compares the base64 texts, not the decoded bytes. A decoder accepts white space, the URL-safe alphabet and
 * missing padding, which Square never writes.
 */
export function verifySignature({ header, keys, notificationUrl, rawBody }: SignedRequest): boolean {
  if (typeof header !== "string" || notificationUrl === "") return false;
  const given = Buffer.from(header, "utf8");
  let verified = false;
  for (const key of keys) {
    if (key === "") continue;
    const expected = Buffer.from(signBody(key, notificationUrl, rawBody), "utf8");
    // No early exit, so that the duration does not reveal which key matched. A signature's length is not secret.
    if (given.length === expected.length && timingSafeEqual(given, expected)) verified = true;
  }
  return verified;
}
