import { randomBytes } from "node:crypto";
import { DAY } from "../world.js";
import type { Json } from "./endpoint.js";
import type { FakeMerchant, Served } from "./merchant.js";
import { badRequest, notFound, Refusal, unauthorized } from "./refusal.js";

const CODE_LIVES_MS = 5 * 60_000;
const TOKEN_LIVES_MS = 30 * DAY;

/** An application at Square, to which sellers connect. */
export interface FakeApplication {
  readonly id: string;
  readonly secret: string;
  readonly redirectUrl: string;
  /** The application's personal access token. It opens the application's webhook subscriptions. */
  readonly accessToken?: string;
}

interface Grant {
  readonly application: FakeApplication;
  readonly merchantId: string;
  readonly scopes: readonly string[];
}

type Page = { readonly location: string } | { readonly status: number; readonly html: string };

/**
 * Square's OAuth code flow. A code lives five minutes and works once. An access token lives 30 days. A refresh token
 * stays the same until the seller's permission is withdrawn.
 */
export class FakeOAuth {
  readonly #applications: readonly FakeApplication[];
  readonly #merchants: readonly FakeMerchant[];
  readonly #onRevoked: (application: FakeApplication, merchantId: string) => void;
  readonly #codes = new Map<string, Grant & { readonly expires: number }>();
  readonly #refreshTokens = new Map<string, Grant>();
  readonly #accessTokens = new Map<string, Grant & { readonly expires: number }>();

  /** @param onRevoked is told which application has given a seller's permission back */
  constructor(
    applications: readonly FakeApplication[],
    merchants: readonly FakeMerchant[],
    onRevoked: (application: FakeApplication, merchantId: string) => void,
  ) {
    this.#applications = applications;
    this.#merchants = merchants;
    this.#onRevoked = onRevoked;
  }

  /** The page that asks the seller. */
  ask(given: Readonly<Record<string, string>>): Page {
    const application = this.#applications.find(({ id }) => id === given.client_id);
    if (!application || application.redirectUrl !== given.redirect_uri)
      return {
        status: 400,
        html: "<!doctype html><title>Square</title><p>Unknown client_id or redirect_uri.",
      };
    const hidden = Object.entries(given).map(
      ([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`,
    );
    const sellers = this.#merchants.map(({ salon: { truth } }) => {
      const { id, business_name } = truth.merchant;
      return `<option value="${escaped(id)}">${escaped(String(business_name))}</option>`;
    });
    const scopes = (given.scope ?? "").split(" ").map((scope) => `<li>${escaped(scope)}</li>`);
    return {
      status: 200,
      html: `<!doctype html><html lang="en"><title>Square (simulated)</title><form method="post" action="/oauth2/authorize">
<p>The application ${escaped(application.id)} asks for these permissions:</p><ul>${scopes.join("")}</ul>${hidden.join("")}
<p><select name="merchant_id" aria-label="Seller">${sellers.join("")}</select>
<button name="decision" value="allow">Allow</button> <button name="decision" value="deny">Deny</button></p></form></html>`,
    };
  }

  /** The seller's answer: back to the application. */
  decide(given: Readonly<Record<string, string>>, now: number): Page {
    const asked = this.ask(given);
    const application = this.#applications.find(({ id }) => id === given.client_id);
    const merchantId = given.merchant_id ?? "";
    if (!application || ("status" in asked && asked.status !== 200)) return asked;
    const back = new URL(application.redirectUrl);
    if (given.decision === "allow" && this.#salonOf(merchantId)) {
      const code = `sq0cgb-${randomBytes(16).toString("base64url")}`;
      const scopes = (given.scope ?? "").split(" ");
      this.#codes.set(code, { application, merchantId, scopes, expires: now + CODE_LIVES_MS });
      back.searchParams.set("code", code);
      back.searchParams.set("response_type", "code");
    } else {
      back.searchParams.set("error", "access_denied");
      back.searchParams.set("error_description", "user_denied");
    }
    back.searchParams.set("state", given.state ?? "");
    return { location: back.href };
  }

  /** POST /oauth2/token */
  token(given: Json, now: number): object {
    const application = this.#applications.find(({ id }) => id === given.client_id);
    if (!application || application.secret !== given.client_secret) throw unauthorized();
    if (given.grant_type === "authorization_code") {
      const grant = this.#codes.get(String(given.code));
      this.#codes.delete(String(given.code));
      const isValid = grant && grant.application === application && grant.expires > now;
      if (!isValid || given.redirect_uri !== application.redirectUrl) throw invalidGrant();
      return this.#issue(grant, `EQAA-${randomBytes(24).toString("base64url")}`, now);
    }
    if (given.grant_type !== "refresh_token")
      throw badRequest("INVALID_VALUE", "Unknown grant.", "grant_type");
    const grant = this.#refreshTokens.get(String(given.refresh_token));
    if (!grant || grant.application !== application) throw invalidGrant();
    return this.#issue(grant, String(given.refresh_token), now);
  }

  /** POST /oauth2/revoke. The application names the seller by id or by one of the seller's access tokens. */
  revoke({ client_id, merchant_id, access_token }: Json, authorization: string): object {
    const application = this.#applications.find(({ id }) => id === client_id);
    if (!application || authorization !== `Client ${application.secret}`) throw unauthorized();
    const merchantId = merchant_id ?? this.#accessTokens.get(`Bearer ${access_token}`)?.merchantId;
    if (typeof merchantId !== "string" || !this.isConnected(application, merchantId))
      throw notFound("The application has no permission of this seller.");
    this.withdraw(merchantId, application);
    this.#onRevoked(application, merchantId);
    return { success: true };
  }

  /** Whether the seller has connected to the application. */
  isConnected(application: FakeApplication, merchantId: string): boolean {
    const grants = [...this.#refreshTokens.values()];
    return grants.some((grant) => grant.application === application && grant.merchantId === merchantId);
  }

  /**
   * Ends every token of a seller, as the seller does on Square's page of connected applications.
   *
   * @param application the only one that loses its tokens
   */
  withdraw(merchantId: string, application?: FakeApplication): void {
    const isOf = (grant: Grant) =>
      grant.merchantId === merchantId && (application === undefined || grant.application === application);
    for (const tokens of [this.#refreshTokens, this.#accessTokens]) {
      for (const [token, grant] of tokens) if (isOf(grant)) tokens.delete(token);
    }
  }

  /** What an access token opens. Undefined when it is unknown or has expired. */
  granted(authorization: string, now: number): { salon: Served; status: object } | undefined {
    const grant = this.#accessTokens.get(authorization);
    const salon = grant && this.#salonOf(grant.merchantId);
    if (!salon || grant.expires <= now) return undefined;
    const { scopes, merchantId: merchant_id, application, expires } = grant;
    const expires_at = new Date(expires).toISOString();
    return { salon, status: { scopes, client_id: application.id, merchant_id, expires_at } };
  }

  #salonOf(merchantId: string): Served | undefined {
    return this.#merchants.find(({ salon }) => salon.truth.merchant.id === merchantId)?.salon;
  }

  #issue(grant: Grant, refresh_token: string, now: number): object {
    const access_token = `EAAA-${randomBytes(24).toString("base64url")}`;
    const expires = now + TOKEN_LIVES_MS;
    this.#refreshTokens.set(refresh_token, grant);
    this.#accessTokens.set(`Bearer ${access_token}`, { ...grant, expires });
    const expires_at = new Date(expires).toISOString();
    const { merchantId: merchant_id } = grant;
    return { access_token, token_type: "bearer", expires_at, merchant_id, refresh_token, short_lived: false };
  }
}

/** The code or refresh token is wrong, used, expired or withdrawn. */
function invalidGrant(): Refusal {
  const detail = "The grant is invalid, expired or revoked.";
  return new Refusal(400, { category: "INVALID_REQUEST_ERROR", code: "INVALID_GRANT", detail });
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
