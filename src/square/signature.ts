import { createHmac, timingSafeEqual } from "node:crypto";

/**
 * Signs a webhook body as Square does.
 *
 * @param key signature key of the subscription, used as UTF-8 text: it only looks like base64
 * @param notificationUrl the URL exactly as subscribed, down to a trailing slash
 * @param body the raw bytes; a string is taken as UTF-8
 * @returns base64 of HMAC-SHA256 over URL and body, 44 characters: header `x-square-hmacsha256-signature`
 * @see https://developer.squareup.com/docs/webhooks/step3validate
 */
export function signBody(key: string, notificationUrl: string, body: Buffer | string): string {
  return createHmac("sha256", key).update(notificationUrl, "utf8").update(body).digest("base64");
}

export interface SignedRequest {
  /** The value of `x-square-hmacsha256-signature`; repeated or missing, it is refused. */
  readonly header: string | string[] | undefined;
  /** Every key in force; two while one is being rotated. Without any, nothing verifies. */
  readonly keys: readonly string[];
  /** From configuration, never rebuilt from request headers, which the caller chooses. */
  readonly notificationUrl: string;
  /** The bytes as received: decoding and re-encoding them may change them. */
  readonly rawBody: Buffer;
}

/**
 * Tells whether a request was signed with one of our keys. Never throws.
 *
 * The base64 texts are compared, not the bytes they decode to: a decoder forgives white space, the URL-safe
 * alphabet and missing padding, and so would accept signatures that Square never writes.
 */
export function verifySignature({ header, keys, notificationUrl, rawBody }: SignedRequest): boolean {
  if (typeof header !== "string" || notificationUrl === "") return false;
  const given = Buffer.from(header, "utf8");
  let verified = false;
  for (const key of keys) {
    if (key === "") continue;
    const expected = Buffer.from(signBody(key, notificationUrl, rawBody), "utf8");
    // No early exit: how long the answer takes must not tell which key is in use. The length of a signature
    // is no secret.
    if (given.length === expected.length && timingSafeEqual(given, expected)) verified = true;
  }
  return verified;
}
