import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";
import fp from "fastify-plugin";
import {
  jsonSchemaTransform,
  jsonSchemaTransformObject,
  validatorCompiler,
  type ZodTypeProvider,
} from "fastify-type-provider-zod";
import { z } from "zod";

/** An instance whose routes are typed by their zod schemas. */
export type ApiInstance = FastifyInstance<
  FastifyInstance["server"],
  import("node:http").IncomingMessage,
  import("node:http").ServerResponse,
  FastifyInstance["log"],
  ZodTypeProvider
>;

/** Names of the security schemes in the description. */
export const security = {
  admin: [{ adminKey: [] }, { session: [] }],
  cron: [{ cronSecret: [] }],
  square: [{ squareSignature: [] }],
} as const;

/**
 * What /docs may load: its own files only. Its page carries inline styles, and nothing comes from another host.
 */
const DOCS_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-ancestors 'none'";

/**
 * Describes every route by its zod schemas: `/openapi.json`, and `/docs` for people. Registered before the routes.
 *
 * Requests are validated by the schemas. Answers are only described by them: to check each would cost several times what it
 * takes to write it, so the tests check answers instead (test/support/app.ts).
 */
export const openapi = fp(async (app: FastifyInstance) => {
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(
    ({ schema }) =>
      (data) =>
        app.checksAnswers ? checkedJson(schema, data) : toJson(data),
  );
  app.decorate("checksAnswers", false);
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Regulars",
        version: "1",
        description:
          "Customer analytics for sellers on Square. Money is in minor units as an integer, or as a string past 2^53. " +
          "Times are RFC 3339 in UTC, days are local days of each location. Errors are problem details (RFC 9457).",
      },
      components: {
        securitySchemes: {
          adminKey: { type: "http", scheme: "bearer", description: "ADMIN_API_KEY" },
          session: {
            type: "apiKey",
            in: "cookie",
            name: "regulars_session",
            description: "From POST /api/session",
          },
          cronSecret: { type: "http", scheme: "bearer", description: "CRON_SECRET" },
          squareSignature: { type: "apiKey", in: "header", name: "x-square-hmacsha256-signature" },
        },
      },
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });
  await app.register(swaggerUi, {
    routePrefix: "/docs",
    staticCSP: DOCS_POLICY,
    uiConfig: { docExpansion: "list", persistAuthorization: false, validatorUrl: null },
  });
  app.get("/openapi.json", { schema: { hide: true } }, async () => app.swagger());
});

declare module "fastify" {
  interface FastifyInstance {
    /** Set by tests: an answer that is not what its schema says is an error. */
    checksAnswers: boolean;
  }
}

function checkedJson(schema: unknown, data: unknown): string {
  const text = toJson(data);
  const result = z.safeParse(schema as z.ZodType, JSON.parse(text));
  if (!result.success) throw new TypeError(`The answer is not what its schema says: ${result.error.message}`);
  return text;
}

function toJson(data: unknown): string {
  return JSON.stringify(data, (_name, value) => (typeof value === "bigint" ? jsonInteger(value) : value));
}

/** A number where it is exact, else a string. */
export function jsonInteger(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}
