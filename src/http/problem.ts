import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import fp from "fastify-plugin";
import { isUnavailable } from "../database/failures.js";
import { InvalidCursor, InvalidParameter, RegularsError } from "../errors.js";
import { RefusalLog } from "./refusal-log.js";
import { securityHeaders, setSecurityHeaders } from "./security-headers.js";

declare module "fastify" {
  interface FastifyInstance {
    refusedRequests: RefusalLog;
  }
}

interface ProblemOptions extends ErrorOptions {
  readonly retryAfterSeconds?: number;
  /** The name of the wrong parameter. */
  readonly parameter?: string;
}

/**
 * An error answer, as problem details (RFC 9457). `code` is stable. `detail` says what to do and never quotes the
 * request.
 */
export class Problem extends RegularsError {
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;
  /** The name of the wrong parameter. */
  readonly parameter: string | undefined;

  constructor(
    status: number,
    code: string,
    detail: string,
    { retryAfterSeconds, parameter, ...options }: ProblemOptions = {},
  ) {
    super(code, detail, options);
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
    this.parameter = parameter;
  }
}

const titles: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  417: "Expectation Failed",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** Answers for Fastify's own refusals. */
const refusals: Readonly<Record<string, readonly [status: number, code: string, detail: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [413, "body_too_large", "The body is larger than 1 MiB."],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [415, "unsupported_media_type", "Send application/json."],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    400,
    "invalid_content_length",
    "Content-Length does not match the body.",
  ],
  FST_ERR_BAD_URL: [400, "bad_url", "The address cannot be decoded."],
};

/** Answers what the router refuses before it has found a route. It is Fastify's option of this name. */
export function frameworkErrors(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  // No hook runs for these requests.
  setSecurityHeaders(reply);
  sendProblem(request, reply, toProblem(error), error);
}

/** Answers for what Node refuses before there is a request. */
const malformed: Readonly<Record<string, readonly [status: number, code: string, detail: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, "request_timeout", "The request took too long to arrive."],
  HPE_HEADER_OVERFLOW: [431, "headers_too_large", "The headers are larger than this server reads."],
};

/**
 * Answers bytes that are not HTTP. It is Fastify's option `clientErrorHandler`. Nothing is logged, because the error
 * holds the received headers and body.
 */
export function clientErrors(error: NodeJS.ErrnoException, socket: Socket): void {
  // The client has gone, or an answer is half written.
  if (error.code === "ECONNRESET" || socket.destroyed || !socket.writable) return void socket.destroy();
  const problem = new Problem(
    ...(malformed[error.code ?? ""] ??
      ([400, "malformed_http", "The bytes are not an HTTP request."] as const)),
  );
  const { headers, body } = writtenByHand(problem);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${problem.status} ${titles[problem.status]}\r\n${lines.join("")}\r\n${body}`);
}

/** Answers a request with an unsupported Expect header. Node's own answer would lack the security headers. */
function refuseExpectation(_request: IncomingMessage, response: ServerResponse): void {
  const problem = new Problem(417, "expectation_failed", "The only supported expectation is 100-continue.");
  const { headers, body } = writtenByHand(problem);
  response.writeHead(problem.status, headers).end(body);
}

/** Headers and body of a problem that is answered without Fastify. */
function writtenByHand(problem: Problem) {
  const body = JSON.stringify(bodyOf(problem));
  const headers = {
    ...securityHeaders,
    "content-type": "application/problem+json",
    "content-length": Buffer.byteLength(body),
    connection: "close",
  };
  return { headers, body };
}

/** Sends all other error answers. It needs Node's `requireHostHeader: false`. */
export const problemDetails = fp(async (app) => {
  app.server.on("checkExpectation", refuseExpectation);
  app.addHook("onRequest", async ({ raw }) => {
    if (raw.httpVersion !== "1.1" || raw.headers.host !== undefined) return;
    throw new Problem(400, "malformed_http", "An HTTP/1.1 request needs a Host header.");
  });
  app.decorate("refusedRequests", new RefusalLog(app.log, "request refused"));
  app.setErrorHandler((error: FastifyError, request, reply) =>
    sendProblem(request, reply, toProblem(error), error),
  );
  app.setNotFoundHandler((request, reply) =>
    sendProblem(request, reply, new Problem(404, "not_found", "There is nothing at this address.")),
  );
});

/** Returns the answer for an error. An unknown error is a 500. */
export function toProblem(error: FastifyError): Problem {
  if (error instanceof Problem) return error;
  if (isUnavailable(error)) {
    return new Problem(503, "database_unavailable", "The database cannot be reached. Try again later.", {
      retryAfterSeconds: 5,
    });
  }
  if (error.code === "queue_full" || error.code === "shutting_down") {
    return new Problem(503, error.code, error.message, { retryAfterSeconds: 2 });
  }
  const refusal = refusals[error.code];
  if (refusal) return new Problem(...refusal);
  if (error instanceof InvalidParameter || error instanceof InvalidCursor) {
    return new Problem(400, error.code, error.message, { parameter: error.parameter });
  }
  if (error.validation) return invalidRequest(error);
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    return new Problem(error.statusCode, "bad_request", "The request cannot be understood.");
  }
  return new Problem(500, "internal_error", "The server failed. Its log has the details.");
}

/** The first problem that a schema finds, with the parameter's name. It never quotes the request. */
function invalidRequest({ validation, validationContext }: FastifyError): Problem {
  const [found] = validation ?? [];
  const unknown = (found?.params as { keys?: readonly string[] } | undefined)?.keys?.[0];
  const path = found?.instancePath.split("/").filter(Boolean) ?? [];
  // A query parameter may have several values. The index of the wrong one is left out.
  const named = unknown ?? (validationContext === "querystring" ? path[0] : path.join("."));
  const parameter = (named || (validationContext ?? "body")).slice(0, 100);
  const detail =
    unknown === undefined ? `${parameter}: ${found?.message}` : "This route has no such parameter.";
  return new Problem(400, "invalid_request", detail, { parameter });
}

function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  problem: Problem,
  cause?: unknown,
): FastifyReply {
  if (problem.status >= 500) logFailure(request, problem, cause);
  if (problem.retryAfterSeconds !== undefined) reply.header("retry-after", problem.retryAfterSeconds);
  return reply.code(problem.status).type("application/problem+json").send(bodyOf(problem));
}

/**
 * Logs a failure with its stack. A 503 without a cause is logged at most once a second, because every request gets
 * one while the database is away. Messages are left out, because a database's message may quote a value.
 */
function logFailure(request: FastifyRequest, problem: Problem, cause: unknown): void {
  const { name, code, stack } = (problem.cause ?? cause ?? problem) as {
    name?: string;
    code?: string;
    stack?: string;
  };
  const fields = { code: problem.code, error: name, error_code: code };
  if (problem.status === 503 && problem.cause === undefined) {
    request.server.refusedRequests.record(fields);
    return;
  }
  const frames = stack
    ?.split("\n")
    .filter((line) => line.startsWith("    at "))
    .slice(0, 8);
  request.log.error({ ...fields, frames }, "request failed");
}

function bodyOf({ status, code, message, parameter }: Problem) {
  const title = titles[status] ?? "Error";
  return {
    type: "about:blank",
    title,
    status,
    code,
    detail: message,
    ...(parameter !== undefined && { parameter }),
  };
}
