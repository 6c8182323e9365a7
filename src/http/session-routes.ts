import { z } from "zod";
import { requireAdmin, type Sessions } from "./auth.js";
import { type ApiInstance, security } from "./openapi.js";
import { Problem } from "./problem.js";
import { adminErrors, changeErrors, problemAnswer } from "./schemas.js";

const { 403: _crossSite, ...openErrors } = changeErrors;

/** The routes that open and close a session of the dashboard. */
export function sessionRoutes({ sessions }: { sessions: Sessions | undefined }) {
  return async (app: ApiInstance) => {
    const tags = ["Session"];

    app.post(
      "/api/session",
      {
        schema: {
          summary: "Exchange the admin key for a session cookie that lasts 12 hours",
          tags,
          querystring: z.strictObject({}),
          // No key, and what is none, are answered like a wrong one.
          body: z.preprocess((body) => body ?? {}, z.strictObject({ key: z.string().max(1_000).catch("") })),
          response: { 204: z.null(), ...openErrors },
        },
      },
      async (request, reply) => {
        if (!sessions)
          throw new Problem(503, "not_configured", "This route is off. Set ADMIN_API_KEY to turn it on.");
        sessions.open(request, reply, request.body.key);
        return reply.code(204).send(null);
      },
    );

    app.delete(
      "/api/session",
      {
        schema: {
          summary: "End the session",
          tags,
          security: [...security.admin],
          querystring: z.strictObject({}),
          response: { 204: z.null(), ...adminErrors, 403: problemAnswer("Sent from another site's page") },
        },
        onRequest: requireAdmin(sessions),
      },
      async (_request, reply) => {
        sessions?.close(reply);
        return reply.code(204).send(null);
      },
    );
  };
}
