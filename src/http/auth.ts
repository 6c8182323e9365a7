import { createHash, hkdfSync, timingSafeEqual } from "node:crypto";
import { Signer } from "@fastify/cookie";
import type { FastifyReply, FastifyRequest, onRequestHookHandler } from "fastify";
import fp from "fastify-plugin";
import type { Clock } from "../clock.js";
import { Problem } from "./problem.js";
import { RefusalLog } from "./refusal-log.js";

declare module "fastify" {
  interface FastifyInstance {
    refusedAuthorizations: RefusalLog;
  }
}

/** What all routes behind a key share: the log of wrong keys. */
export const authorization = fp(async (app) => {
  app.decorate("refusedAuthorizations", new RefusalLog(app.log, "authorization refused"));
});

/**
 * Admits requests with `Authorization: Bearer <secret>`. Without a configured secret nobody is admitted: the route
 * answers 503 and says which variable opens it.
 *
 * @param variable the environment variable that holds the secret
 */
export function requireBearer(secret: string | undefined, variable: string): onRequestHookHandler {
  return async (request, reply) => {
    if (!carriesBearer(request, requireConfigured(secret, variable))) refuse(request, reply);
  };
}

/**
 * Admits requests with the admin key as bearer, or with a session's cookie. A browser sends the cookie by itself, so with it
 * anything but reading must also come from our own pages.
 */
export function requireAdmin(sessions: Sessions | undefined): onRequestHookHandler {
  return async (request, reply) => {
    const { adminKey, ...opened } = requireConfigured(sessions, "ADMIN_API_KEY");
    if (carriesBearer(request, adminKey)) return;
    if (!opened.isOpen(request)) refuse(request, reply);
    if (!isReading(request) && !isSameOrigin(request)) {
      throw new Problem(
        403,
        "cross_site",
        "With a session's cookie this is taken from this server's pages only.",
      );
    }
  };
}

/** Sessions of the dashboard: a cookie that is signed with a key made of the admin key, so that another admin key ends them all. */
export interface Sessions {
  readonly adminKey: string;
  /** Opens a session. @throws {Problem} 401 for a wrong key */
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
  throw new Problem(503, "not_configured", `This route is closed: set ${variable} to open it.`);
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
  // As the page's scheme has it: a port that goes without saying is left out.
  const here = `${page.protocol}//${host}`;
  return URL.canParse(here) && new URL(here).host === page.host;
}

function refuse(request: FastifyRequest, reply: FastifyReply): never {
  const problem = new Problem(401, "unauthorized", "Send Authorization: Bearer with the right key.");
  request.server.refusedAuthorizations.tell({ code: problem.code });
  reply.header("www-authenticate", "Bearer");
  throw problem;
}

/** In constant time whatever the lengths, since digests have one length. */
function isEqual(given: string, expected: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
