import { randomBytes, timingSafeEqual } from "node:crypto";
import type { FastifyReply, onRequestAsyncHookHandler } from "fastify";
import { z } from "zod";
import type { Clock } from "../clock.js";
import { RegularsError } from "../errors.js";
import { CONNECT_WITHIN_MS } from "../operations/connect-link.js";
import type { Connections } from "../operations/connections.js";
import { SquareApiError } from "../square/api/api-error.js";
import { requireAdmin, type Sessions } from "./auth.js";
import { type ApiInstance, security } from "./openapi.js";
import { Problem } from "./problem.js";
import { adminErrors, problemAnswer } from "./schemas.js";

const COOKIE = "regulars_connect";
const PATH = "/connect/square";

/**
 * The OAuth code flow. The state is bound to the browser that asked by a signed cookie. So a callback that somebody
 * else's browser was sent to connects nothing.
 */
export function connectRoutes({
  sessions,
  connections,
  clock,
}: {
  sessions: Sessions | undefined;
  connections: Connections | undefined;
  clock: Clock;
}) {
  return async (app: ApiInstance) => {
    const tags = ["Connect"];
    // Strict would keep the cookie back when Square sends the browser here.
    const cookie = {
      path: PATH,
      httpOnly: true,
      sameSite: "lax",
      secure: connections?.secure ?? true,
    } as const;
    const admin = requireAdmin(sessions);
    const requireLinkOrAdmin: onRequestAsyncHookHandler = async function (request, reply) {
      const { link } = request.query as { link?: unknown };
      const opened = typeof link === "string" && configured(connections).seal.open("link", link, clock());
      if (!opened) await admin.call(this, request, reply);
    };

    app.get(
      PATH,
      {
        schema: {
          summary: "Send the browser to Square, where the seller allows access",
          description:
            "Open it with the admin key or session, or with the link that the command `connect` prints.",
          tags,
          security: [...security.admin],
          querystring: z.strictObject({ link: z.string().max(200).optional() }),
          response: { 302: z.null().describe("To Square, with a cookie for the way back"), ...adminErrors },
        },
        onRequest: requireLinkOrAdmin,
      },
      async (_request, reply) => {
        const { seal, authorizeUrl } = configured(connections);
        const state = randomBytes(32).toString("base64url");
        reply.setCookie(COOKIE, seal.seal("state", state, clock()), {
          ...cookie,
          maxAge: CONNECT_WITHIN_MS / 1_000,
        });
        return reply.redirect(authorizeUrl(state), 302);
      },
    );

    app.get(
      `${PATH}/callback`,
      {
        schema: {
          summary: "Square sends the seller's browser back here",
          tags,
          querystring: z.looseObject({
            state: z.string().max(200).optional(),
            code: z.string().max(1_000).optional(),
            error: z.string().max(200).optional(),
          }),
          response: {
            200: z.string().describe("A page: the seller is connected"),
            400: problemAnswer("The state is not of this browser, or the code is wrong, used or expired"),
            403: problemAnswer("The seller denied access"),
            503: problemAnswer("No application is configured, or Square or the database does not answer"),
          },
        },
      },
      async ({ query, cookies }, reply) => {
        const { seal, complete } = configured(connections);
        const expected = seal.open("state", cookies[COOKIE] ?? "", clock());
        if (expected === undefined || !isEqual(query.state ?? "", expected)) {
          throw new Problem(
            400,
            "invalid_state",
            `This browser did not ask to connect. Open ${PATH} in it again.`,
          );
        }
        reply.clearCookie(COOKIE, cookie);
        if (query.error !== undefined) {
          throw new Problem(403, "access_denied", "The seller did not allow access. Nothing was changed.");
        }
        if (!query.code) throw new Problem(400, "invalid_code", "Square sent no code. Connect again.");
        const { organizationId, missingScopes } = await complete(query.code).catch(explain);
        return page(reply, [
          "Square is connected.",
          `The organization's id is ${organizationId}.`,
          ...(missingScopes.length > 0 ? [`Permissions that are missing: ${missingScopes.join(", ")}.`] : []),
          `Next, read the history: regulars backfill --organization ${organizationId}`,
        ]);
      },
    );
  };
}

function configured(connections: Connections | undefined): Connections {
  if (connections) return connections;
  throw new Problem(
    503,
    "not_configured",
    "This route is off. Set SQUARE_APPLICATION_ID, SQUARE_APPLICATION_SECRET and TOKEN_ENCRYPTION_KEY to turn it on.",
  );
}

/** Square's refusal names neither the code nor the application's secret. */
function explain(error: unknown): never {
  if (!(error instanceof RegularsError)) throw error;
  if (error instanceof SquareApiError && error.squareCodes.includes("INVALID_GRANT")) {
    throw new Problem(400, "invalid_code", "The code is wrong, used or expired. Connect again.");
  }
  throw new Problem(503, "square_failed", `Nothing was stored. Connect again later. ${error.message}`);
}

/** A page of plain paragraphs. The lines hold no characters of HTML. */
function page(reply: FastifyReply, lines: readonly string[]) {
  const text = lines.map((line) => `<p>${line}</p>`).join("\n");
  return reply
    .type("text/html; charset=utf-8")
    .send(`<!doctype html>\n<html lang="en"><title>Regulars</title>\n${text}\n</html>\n`);
}

function isEqual(given: string, expected: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}
