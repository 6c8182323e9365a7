import { createHash, hkdfSync, timingSafeEqual } from "node:crypto";
import { Signer } from "@fastify/cookie";
import type { FastifyReply, FastifyRequest, onRequestAsyncHookHandler } from "fastify";
import fp from "fastify-plugin";
import type { Clock } from "../clock.js";
import { Problem } from "./problem.js";
import { RefusalLog } from "./refusal-log.js";

declare module "fastify" {
  interface FastifyInstance {
    refusedAuthorizations: RefusalLog;
  }
}

/** The log of wrong keys, which all routes with a key share. */
export const authorization = fp(async (app) => {
  app.decorate("refusedAuthorizations", new RefusalLog(app.log, "authorization refused"));
});

/**
 * Allows requests with `Authorization: Bearer <secret>`. Without a configured secret the route answers 503 and names
 * the variable to set.
 *
 * @param variable the environment variable that holds the secret
 */
export function requireBearer(secret: string | undefined, variable: string): onRequestAsyncHookHandler {
  return async (request, reply) => {
    if (!carriesBearer(request, requireConfigured(secret, variable))) refuse(request, reply);
  };
}

/**
 * Allows requests with the admin key as bearer token, or with a session's cookie. A browser also sends the cookie
 * from other sites' pages. So a request with the cookie that changes something must come from our own pages.
 */
export function requireAdmin(sessions: Sessions | undefined): onRequestAsyncHookHandler {
  return async (request, reply) => {
    const { adminKey, ...opened } = requireConfigured(sessions, "ADMIN_API_KEY");
    if (carriesBearer(request, adminKey)) return;
    if (!opened.isOpen(request)) refuse(request, reply);
    if (!isReading(request) && !isSameOrigin(request)) {
      throw new Problem(
        403,
        "cross_site",
        "With a session's cookie this request must come from this server's pages.",
      );
    }
  };
}

/**
 * Sessions of the dashboard. A key derived from the admin key signs the cookie, so a new admin key ends all sessions.
 */
export interface Sessions {
  readonly adminKey: string;
  /** Opens a session. @throws Problem 401 for a wrong key */
  open(request: FastifyRequest, reply: FastifyReply, key: string): void;
  close(reply: FastifyReply): void;
  isOpen(request: FastifyRequest): boolean;
}

const COOKIE = "regulars_session";
const SESSION_SECONDS = 12 * 60 * 60;

export function sessionsOf(adminKey: string, clock: Clock): Sessions {
  const key = Buffer.from(hkdfSync("sha256", adminKey, "", "regulars session", 32)).toString("base64");
  const signer = new Signer(key);
  return {
    adminKey,
    open(request, reply, given) {
      if (!isEqual(given, adminKey)) refuse(request, reply);
      const expires = Math.floor(clock().getTime() / 1_000) + SESSION_SECONDS;
      const secure = request.protocol === "https" || request.headers["x-forwarded-proto"] === "https";
      reply.setCookie(COOKIE, signer.sign(String(expires)), {
        path: "/",
        httpOnly: true,
        sameSite: "strict",
        maxAge: SESSION_SECONDS,
        secure,
      });
    },
    close(reply) {
      reply.clearCookie(COOKIE, { path: "/", httpOnly: true, sameSite: "strict" });
    },
    isOpen({ cookies }) {
      const { valid, value } = signer.unsign(cookies[COOKIE] ?? "");
      return valid && Number(value) > clock().getTime() / 1_000;
    },
  };
}

function requireConfigured<Configured>(value: Configured | undefined, variable: string): Configured {
  if (value !== undefined) return value;
  throw new Problem(503, "not_configured", `This route is off. Set ${variable} to turn it on.`);
}

function carriesBearer({ headers }: FastifyRequest, secret: string): boolean {
  const [scheme, token, ...rest] = (headers.authorization ?? "").split(" ");
  return scheme?.toLowerCase() === "bearer" && rest.length === 0 && isEqual(token ?? "", secret);
}

function isReading({ method }: FastifyRequest): boolean {
  return method === "GET" || method === "HEAD";
}

function isSameOrigin({ headers }: FastifyRequest): boolean {
  if (headers["sec-fetch-site"] !== undefined) return headers["sec-fetch-site"] === "same-origin";
  const { origin, host } = headers;
  if (origin === undefined || !URL.canParse(origin)) return false;
  const page = new URL(origin);
  // With the page's scheme, so that a default port is left out of both.
  const here = `${page.protocol}//${host}`;
  return URL.canParse(here) && new URL(here).host === page.host;
}

function refuse(request: FastifyRequest, reply: FastifyReply): never {
  const problem = new Problem(401, "unauthorized", "Send the right key as Authorization: Bearer KEY.");
  request.server.refusedAuthorizations.record({ code: problem.code });
  reply.header("www-authenticate", "Bearer");
  throw problem;
}

/** Compares in constant time. Digests have equal lengths, whatever the lengths of the texts. */
function isEqual(given: string, expected: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
