import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance, FastifyTypeProvider } from "fastify";
import fp from "fastify-plugin";
import { jsonSchemaTransform, jsonSchemaTransformObject, validatorCompiler } from "fastify-type-provider-zod";
import { z } from "zod";

/** What a request holds has the types of its zod schemas. Answers are not typed: rows are written as they were read. */
interface RequestTypes extends FastifyTypeProvider {
  readonly validator: this["schema"] extends z.ZodType ? z.output<this["schema"]> : unknown;
}

/** A Fastify instance whose routes get the types of their requests from zod schemas. */
export type ApiInstance = FastifyInstance<
  FastifyInstance["server"],
  import("node:http").IncomingMessage,
  import("node:http").ServerResponse,
  FastifyInstance["log"],
  RequestTypes
>;

/** The security schemes of routes, as the OpenAPI description names them. */
export const security = {
  admin: [{ adminKey: [] }, { session: [] }],
  cron: [{ cronSecret: [] }],
  square: [{ squareSignature: [] }],
} as const;

/** /docs may load files of this server only. Its page has inline styles. */
const DOCS_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-ancestors 'none'";

/**
 * Describes every route by its zod schemas in `/openapi.json`, and in `/docs` for people. It must be registered
 * before the routes.
 *
 * The schemas validate requests. They only describe answers, because checking an answer takes several times as long
 * as writing it. The tests check answers (test/support/app.ts).
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
          "Customer analytics for sellers on Square. Begin with GET /api/organizations: its id is in every other address. " +
          "GET /api/columns explains the columns, and explain a customer's value down to its rows. " +
          "Money is in minor units: an integer, or a string beyond 2^53. " +
          "Times are RFC 3339 in UTC. Days are local days of each location. Errors are problem details (RFC 9457).",
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
    transformObject: (document) => withoutUnusedSchemas(jsonSchemaTransformObject(document)),
  });
  await app.register(swaggerUi, {
    routePrefix: "/docs",
    staticCSP: DOCS_POLICY,
    uiConfig: { docExpansion: "list", persistAuthorization: false, validatorUrl: null },
  });
  app.get("/openapi.json", { schema: { hide: true } }, async () => app.swagger());
});

/** Of each named schema there is a second one for requests, which most of the time no request uses. */
function withoutUnusedSchemas<Document extends object>(document: Document): Document {
  const { schemas = {} } =
    (document as { components?: { schemas?: Record<string, unknown> } }).components ?? {};
  const text = JSON.stringify(document);
  for (const name of Object.keys(schemas)) {
    if (!text.includes(`"#/components/schemas/${name}"`)) delete schemas[name];
  }
  return document;
}

declare module "fastify" {
  interface FastifyInstance {
    /** Tests set it to true. An answer that does not match its schema is an error then. */
    checksAnswers: boolean;
  }
}

function checkedJson(schema: unknown, data: unknown): string {
  const text = toJson(data);
  const result = z.safeParse(schema as z.ZodType, JSON.parse(text));
  if (!result.success) throw new TypeError(`The answer does not match its schema: ${result.error.message}`);
  return text;
}

function toJson(data: unknown): string {
  return JSON.stringify(data, (_name, value) => (typeof value === "bigint" ? jsonInteger(value) : value));
}

/** A number if it is exact, otherwise a string. */
export function jsonInteger(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}
