import type { JsonObject } from "../types.js";
import { errorCodes, InvalidAnswer, readWhole } from "./answer.js";
import { baseUrlOf, type SquareApiOptions, transportOf } from "./client.js";
import { SQUARE_VERSION } from "./sdk.js";
import { send } from "./transport.js";

/** An application at Square, and how it is reached. */
export interface OAuthApplication
  extends Pick<SquareApiOptions, "environment" | "baseUrl" | "timeoutMs" | "wait" | "signal"> {
  readonly id: string;
  readonly secret: string;
  /** The redirect URL exactly as in Square's console. */
  readonly redirectUrl: string;
}

/** The permissions that the pull needs. No other is asked for. */
export const OAUTH_SCOPES = [
  "MERCHANT_PROFILE_READ",
  "CUSTOMERS_READ",
  "PAYMENTS_READ",
  "ORDERS_READ",
  "ITEMS_READ",
  "EMPLOYEES_READ",
  "APPOINTMENTS_READ",
  "APPOINTMENTS_ALL_READ",
] as const;

export interface Tokens {
  readonly accessToken: string;
  /** In the code flow it does not expire, and each renewal answers the same one. */
  readonly refreshToken: string;
  readonly merchantId: string;
  /** Square's access tokens live 30 days. */
  readonly expiresAt: Date;
}

/** The page at Square where a seller allows or denies access. The sandbox refuses `session=false`. */
export function authorizeUrl(application: OAuthApplication, state: string): string {
  const url = new URL(`${baseUrlOf(application)}/oauth2/authorize`);
  url.searchParams.set("client_id", application.id);
  url.searchParams.set("scope", OAUTH_SCOPES.join(" "));
  if (application.environment === "production") url.searchParams.set("session", "false");
  url.searchParams.set("state", state);
  url.searchParams.set("redirect_uri", application.redirectUrl);
  return url.href;
}

/**
 * Exchanges the code of a redirect. It is sent once, because a code works once: after a lost answer the seller starts
 * over. POST /oauth2/token
 *
 * @throws SquareApiError
 */
export function obtainTokens(application: OAuthApplication, code: string): Promise<Tokens> {
  const { redirectUrl: redirect_uri } = application;
  return requestTokens(application, { grant_type: "authorization_code", code, redirect_uri }, 1);
}

/**
 * Obtains a new access token. The one before it goes on working until it expires. POST /oauth2/token
 *
 * @throws SquareApiError; `isWithdrawn` tells whether the seller must connect again
 */
export function renewAccessToken(application: OAuthApplication, refresh_token: string): Promise<Tokens> {
  return requestTokens(application, { grant_type: "refresh_token", refresh_token }, 2);
}

/**
 * Ends the seller's permission: every access token and the refresh token. Square then sends
 * `oauth.authorization.revoked`. POST /oauth2/revoke
 *
 * @throws SquareApiError
 */
export function revokeAuthorization(application: OAuthApplication, merchant_id: string): Promise<void> {
  const authorization = `Client ${application.secret}`;
  const body = { client_id: application.id, merchant_id };
  return post(application, "/oauth2/revoke", body, readSuccess, { attempts: 2, headers: { authorization } });
}

function requestTokens(application: OAuthApplication, grant: JsonObject, attempts: number): Promise<Tokens> {
  const body = { client_id: application.id, client_secret: application.secret, ...grant };
  return post(application, "/oauth2/token", body, readTokens, { attempts });
}

function post<T>(
  application: OAuthApplication,
  path: string,
  body: JsonObject,
  read: (answer: JsonObject) => T,
  { attempts, headers = {} }: { attempts: number; headers?: Record<string, string> },
): Promise<T> {
  const request = {
    method: "POST",
    url: `${baseUrlOf(application)}${path}`,
    headers: new Headers({
      ...headers,
      "content-type": "application/json",
      "square-version": SQUARE_VERSION,
    }),
    body: JSON.stringify(body),
  };
  return send(request, read, transportOf({ ...application, merchantId: application.id, attempts }));
}

function readSuccess({ success, errors }: JsonObject): void {
  if (success !== true) throw new InvalidAnswer(["does not say success", ...errorCodes(errors)].join(" "));
}

function readTokens(body: JsonObject): Tokens {
  const { access_token, refresh_token, merchant_id, expires_at } = readWhole(body, "access_token");
  const expiresAt = new Date(String(expires_at));
  if (
    typeof refresh_token !== "string" ||
    typeof merchant_id !== "string" ||
    Number.isNaN(expiresAt.getTime())
  )
    throw new InvalidAnswer("lacks refresh_token, merchant_id or expires_at");
  return {
    accessToken: access_token as string,
    refreshToken: refresh_token,
    merchantId: merchant_id,
    expiresAt,
  };
}
