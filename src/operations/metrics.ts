import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { handledEventTypes } from "../../handlers/registry.js";
import type { Clock } from "../clock.js";
import type { Database } from "../database/database.js";
import type { ReplicaStatus } from "../database/replica.js";
import type { Inbox, ProcessedBatch } from "../inbox/inbox.js";
import { OrganizationMetrics } from "./organization-metrics.js";
import { readWork } from "./status.js";
import type { SubscriptionStatus } from "./subscription-status.js";

/**
 * How long values read from the database are reused, in milliseconds. Anybody may request the metrics at any rate.
 */
const READ_EVERY_MS = 5_000;

/** The label for unknown event types. Their number has no limit, so they share one label. */
const labelledTypes = new Set(handledEventTypes);

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

let ofProcess: Registry | undefined;

/** The metrics of the process. A test may open several servers in one process. */
function processRegistry(): Registry {
  if (!ofProcess) {
    ofProcess = new Registry();
    collectDefaultMetrics({ register: ofProcess });
  }
  return ofProcess;
}

/**
 * The metrics of `/metrics`, with Prometheus' naming and base units. No label holds a customer's id, a name or a
 * secret.
 *
 * Counters and histograms count since the process began. Gauges are read at each request, from the database and the
 * parts.
 */
export class Metrics {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #inbox: Pick<Inbox, "queued">;
  readonly #streams: () => number;
  readonly #replica: () => ReplicaStatus | undefined;
  readonly #subscription: () => SubscriptionStatus | undefined;
  readonly #registry = new Registry();
  readonly #events = this.#counter("events_total", "Attempts to process an event, by type and outcome", [
    "event_type",
    "outcome",
  ]);
  readonly #refused = this.#counter(
    "deliveries_refused_total",
    "Deliveries refused, by the status answered",
    ["status"],
  );
  readonly #batchEvents = this.#histogram(
    "batch_events",
    "Events of one transaction",
    [1, 2, 4, 8, 16, 32, 64],
  );
  readonly #transaction = this.#histogram("transaction_seconds", "Time of one batch's transaction", SECONDS);
  readonly #recompute = this.#histogram(
    "recompute_seconds",
    "Time of its recomputation of customers",
    SECONDS,
  );
  readonly #databaseUp = this.#gauge("database_up", "Whether the database answered");
  readonly #queued = this.#gauge("inbox_queued_events", "Events that wait in this process for a transaction");
  readonly #pool = this.#gauge("database_connections", "Connections of the pool, and requests for one", [
    "state",
  ]);
  readonly #liveStreams = this.#gauge("live_streams", "Open streams of changes");
  readonly #stored = this.#gauge("inbox_events", "Stored events, by status", ["status"]);
  readonly #oldest = this.#gauge(
    "inbox_oldest_unprocessed_age_seconds",
    "Age of the oldest event not yet processed",
  );
  readonly #rowsDue = this.#gauge("rows_due", "Rows that came due and are not recomputed yet");
  readonly #sweepEnd = this.#gauge(
    "sweep_last_end_timestamp_seconds",
    "When a sweep ended last; 0 before the first",
  );
  readonly #sweepErrors = this.#gauge("sweep_errors", "Errors of the last sweep");
  readonly #sweepStep = this.#gauge("sweep_step_duration_seconds", "Time of each step of the last sweep", [
    "step",
  ]);
  readonly #drift = this.#gauge("sweep_drifted_rows", "Rows that the last sweep found wrong, by column", [
    "column",
  ]);
  readonly #organizations = new OrganizationMetrics(this.#registry);
  readonly #replicaLag = this.#gauge(
    "replica_lag_seconds",
    "How far the replica is behind the primary; no sample when that is unknown",
  );
  readonly #replicaUsed = this.#gauge("replica_used", "Whether reports are read from the replica");
  readonly #subscriptionProblem = this.#gauge(
    "subscription_problem",
    "Whether the worst problem of the webhook subscription has this level; no sample before Square was asked",
    ["level"],
  );
  #reading: Promise<void> | undefined;
  #readAt = Number.NEGATIVE_INFINITY;

  /**
   * @param streams how many live streams are open
   * @param replica its state, or undefined when there is none
   * @param subscription its state, or undefined when it is not checked
   */
  constructor(
    database: Database,
    clock: Clock,
    inbox: Pick<Inbox, "queued" | "onBatch">,
    streams: () => number,
    replica: () => ReplicaStatus | undefined,
    subscription: () => SubscriptionStatus | undefined,
  ) {
    this.#database = database;
    this.#clock = clock;
    this.#inbox = inbox;
    this.#streams = streams;
    this.#replica = replica;
    this.#subscription = subscription;
    inbox.onBatch((batch) => this.#count(batch));
    processRegistry();
  }

  /** @param status the HTTP status with which a delivery was refused */
  countRefused(status: number): void {
    this.#refused.inc({ status: String(status) });
  }

  /** @returns the text in Prometheus' format 0.0.4; without the database it holds only the process's own metrics */
  async read(): Promise<string> {
    const { totalCount, idleCount, waitingCount } = this.#database.pool;
    this.#pool.set({ state: "open" }, totalCount);
    this.#pool.set({ state: "idle" }, idleCount);
    this.#pool.set({ state: "wanted" }, waitingCount);
    this.#queued.set(this.#inbox.queued);
    this.#liveStreams.set(this.#streams());
    this.#setReplica(this.#replica());
    this.#setSubscription(this.#subscription());
    if (performance.now() - this.#readAt > READ_EVERY_MS) {
      this.#reading ??= this.#readDatabase().finally(() => {
        this.#reading = undefined;
        this.#readAt = performance.now();
      });
    }
    await this.#reading;
    return `${await this.#registry.metrics()}\n${await processRegistry().metrics()}`;
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  #count({ events, transactions }: ProcessedBatch): void {
    for (const { type, outcome } of events) {
      this.#events.inc({ event_type: labelledTypes.has(type) ? type : "other", outcome });
    }
    for (const { events: size, seconds, recomputeSeconds } of transactions) {
      this.#batchEvents.observe(size);
      this.#transaction.observe(seconds);
      if (recomputeSeconds > 0) this.#recompute.observe(recomputeSeconds);
    }
  }

  async #readDatabase(): Promise<void> {
    const now = this.#clock();
    try {
      this.#set(await readWork(this.#database.pool, now), now);
      this.#databaseUp.set(1);
    } catch {
      // The alert uses this gauge. The earlier values of the other gauges are out of date and are removed.
      for (const gauge of this.#read) withoutSamples(gauge);
      this.#databaseUp.set(0);
    }
  }

  #setReplica(status: ReplicaStatus | undefined): void {
    withoutSamples(this.#replicaLag);
    withoutSamples(this.#replicaUsed);
    if (status === undefined) return;
    this.#replicaUsed.set(status.problem === null ? 1 : 0);
    if (status.lag_seconds !== null) this.#replicaLag.set(status.lag_seconds);
  }

  #setSubscription(status: SubscriptionStatus | undefined): void {
    this.#subscriptionProblem.reset();
    if (!status?.checked_at) return;
    for (const level of ["warning", "error"]) {
      this.#subscriptionProblem.set({ level }, status.level === level ? 1 : 0);
    }
  }

  #set(
    { inbox, sweeps, drift, rows_due, organizations }: Awaited<ReturnType<typeof readWork>>,
    now: Date,
  ): void {
    for (const gauge of this.#read) withoutSamples(gauge);
    for (const [status, count] of Object.entries(inbox.by_status)) this.#stored.set({ status }, count);
    this.#oldest.set(inbox.oldest_unprocessed_seconds ?? 0);
    this.#rowsDue.set(rows_due);
    const last = sweeps.find(({ status }) => status !== "processing");
    this.#sweepEnd.set((last?.completed_at?.getTime() ?? 0) / 1_000);
    this.#sweepErrors.set(last?.errors.length ?? 0);
    for (const { step, duration_ms } of last?.steps ?? []) this.#sweepStep.set({ step }, duration_ms / 1_000);
    for (const { column, rows } of drift) this.#drift.set({ column }, rows);
    this.#organizations.set(organizations, now);
  }

  /** Values read from the database. */
  get #read(): readonly Gauge[] {
    return [
      this.#stored,
      this.#oldest,
      this.#rowsDue,
      this.#sweepEnd,
      this.#sweepErrors,
      this.#sweepStep,
      this.#drift,
      ...this.#organizations.gauges,
    ];
  }

  #counter(name: string, help: string, labelNames: string[]) {
    return new Counter({ name: `regulars_${name}`, help, labelNames, registers: [this.#registry] });
  }

  #gauge(name: string, help: string, labelNames: string[] = []) {
    return new Gauge({ name: `regulars_${name}`, help, labelNames, registers: [this.#registry] });
  }

  #histogram(name: string, help: string, buckets: number[]) {
    return new Histogram({ name: `regulars_${name}`, help, buckets, registers: [this.#registry] });
  }
}

/** A gauge without labels is 0 from its beginning, and after a reset. */
function withoutSamples(gauge: Gauge): void {
  gauge.reset();
  gauge.remove({});
}
