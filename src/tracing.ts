import { AsyncLocalStorage } from "node:async_hooks";
import { createHash } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { Attributes, Link, Span, SpanKind, Tracer } from "@opentelemetry/api";
import type { TracingConfig } from "./config.js";
import type { Log } from "./log.js";

/**
 * OpenTelemetry traces. They are off until `startTracing`, and no module of its SDK is loaded before. Off, each
 * function only calls its work.
 *
 * A span's name and attributes hold no personal data, no secret and no customer's id. A failure is told by its code,
 * because a message may quote a value.
 */

/** A wait that `tracedTogether` ends. Undefined when no trace is open. */
export type Waiting = { readonly span: Span; readonly parent: Span } | undefined;

interface Tracing {
  readonly api: typeof import("@opentelemetry/api");
  readonly tracer: Tracer;
}

/** How long a stopping server waits for the collector to take the last spans. */
const LAST_EXPORT_WITHIN_MS = 2_000;

const current = new AsyncLocalStorage<Span>();
let tracing: Tracing | undefined;

/**
 * Loads OpenTelemetry and begins to export. Spans are exported in the background, at most 2,048 wait, and further
 * ones are dropped. So a collector that is slow or away slows nothing down. The OTEL_BSP_*, OTEL_TRACES_SAMPLER and
 * OTEL_SERVICE_NAME variables of the SDK apply.
 *
 * @returns exports the last spans, in two seconds at most, and ends tracing
 */
export async function startTracing({ url, headers }: TracingConfig, log: Log): Promise<() => Promise<void>> {
  const [api, { OTLPTraceExporter }, { BasicTracerProvider, BatchSpanProcessor }, resources] =
    await Promise.all([
      import("@opentelemetry/api"),
      import("@opentelemetry/exporter-trace-otlp-http"),
      import("@opentelemetry/sdk-trace-base"),
      import("@opentelemetry/resources"),
    ]);
  const exporter = new OTLPTraceExporter({ url, headers: { ...headers } });
  const logged = logFailures(exporter, log);
  const named = resources.resourceFromAttributes({ "service.name": "regulars" });
  const ofEnvironment = resources.detectResources({ detectors: [resources.envDetector] });
  const provider = new BasicTracerProvider({
    resource: resources.defaultResource().merge(named).merge(ofEnvironment),
    spanProcessors: [new BatchSpanProcessor(logged)],
  });
  tracing = { api, tracer: provider.getTracer("regulars") };
  return async () => {
    tracing = undefined;
    await Promise.race([
      provider.shutdown().catch(() => {}),
      wait(LAST_EXPORT_WITHIN_MS, null, { ref: false }),
    ]);
  };
}

/** Runs work in a new trace. @param kind `server` for work that a request asked for */
export function traced<Result>(
  name: string,
  work: () => Promise<Result>,
  { kind = "internal", ...attributes }: Attributes & { readonly kind?: "server" | "internal" } = {},
): Promise<Result> {
  if (!tracing) return work();
  const { INTERNAL, SERVER } = tracing.api.SpanKind;
  return record(open(tracing, name, { attributes, kind: kind === "server" ? SERVER : INTERNAL }), work);
}

/** Runs work in a span of the open trace. Without one it only runs the work. */
export function span<Result>(
  name: string,
  work: () => Promise<Result>,
  attributes: Attributes = {},
): Promise<Result> {
  const parent = current.getStore();
  return tracing && parent ? record(open(tracing, name, { attributes, parent }), work) : work();
}

/** Adds attributes to the open span. They are computed only when there is one. */
export function annotate(attributes: () => Attributes): void {
  if (tracing) current.getStore()?.setAttributes(attributes());
}

/** Begins a span that lasts until `tracedTogether` begins the work that it waits for. */
export function beginWait(name: string): Waiting {
  const parent = current.getStore();
  return tracing && parent ? { span: open(tracing, name, { parent }), parent } : undefined;
}

/**
 * Runs work that several traces waited for. Its span belongs to the first of these traces, and is linked with the
 * others. When nothing waited it belongs to the open trace, or to a new one.
 */
export function tracedTogether<Result>(
  name: string,
  waiting: readonly Waiting[],
  work: () => Promise<Result>,
  attributes: Attributes = {},
): Promise<Result> {
  if (!tracing) return work();
  const waits = waiting.filter((each) => each !== undefined);
  for (const each of waits) each.span.end();
  const [first, ...others] = waits.map(({ parent }) => parent);
  const links = others.map((other) => ({ context: other.spanContext() }));
  const shared = open(tracing, name, { attributes, links, parent: first ?? current.getStore() });
  for (const other of others) other.addLink({ context: shared.spanContext() });
  return record(shared, work);
}

/** Names an event in a trace: the first 16 hexadecimal digits of the SHA-256 of its id. */
export function eventHash(eventId: string): string {
  return createHash("sha256").update(eventId).digest("hex").slice(0, 16);
}

interface SpanOptions {
  readonly attributes?: Attributes;
  readonly kind?: SpanKind;
  readonly links?: Link[];
  readonly parent?: Span | undefined;
}

function open({ api, tracer }: Tracing, name: string, { parent, ...options }: SpanOptions): Span {
  const context = parent ? api.trace.setSpan(api.ROOT_CONTEXT, parent) : api.ROOT_CONTEXT;
  return tracer.startSpan(name, options, context);
}

async function record<Result>(opened: Span, work: () => Promise<Result>): Promise<Result> {
  try {
    return await current.run(opened, work);
  } catch (error) {
    opened.setStatus({ code: ERROR }).setAttribute("error.type", codeOf(error));
    throw error;
  } finally {
    opened.end();
  }
}

/** `SpanStatusCode.ERROR`, which is a constant of the protocol. */
const ERROR = 2;

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}

type Exporter = import("@opentelemetry/sdk-trace-base").SpanExporter;

/** Logs the first failure of a row of failures, and that exports succeed again. */
function logFailures(exporter: Exporter, log: Log): Exporter {
  let failing = false;
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        const failed = result.code !== 0;
        if (failed && !failing) log.warn({ reason: codeOf(result.error) }, "traces are not exported");
        if (!failed && failing) log.info({}, "traces are exported again");
        failing = failed;
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
  };
}
