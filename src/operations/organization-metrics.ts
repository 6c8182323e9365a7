import { Gauge, type Registry } from "prom-client";
import type { OrganizationStatus } from "./status.js";

/** The gauges that have a sample for each organization. Their label is the id, because a name may be a person's. */
export class OrganizationMetrics {
  readonly #status: Gauge;
  readonly #tokenExpiry: Gauge;
  readonly #lastEvent: Gauge;
  readonly #pullLag: Gauge;
  readonly #pendingFetches: Gauge;

  constructor(registry: Registry) {
    const gauge = (name: string, help: string, ...labels: string[]) =>
      new Gauge({
        name: `regulars_${name}`,
        help,
        labelNames: ["organization_id", ...labels],
        registers: [registry],
      });
    this.#status = gauge("organization_status", "1 for the status of an organization", "status");
    this.#tokenExpiry = gauge(
      "token_expiry_timestamp_seconds",
      "When an active seller's access token expires",
    );
    this.#lastEvent = gauge("last_event_timestamp_seconds", "When an event of an active seller came last");
    this.#pullLag = gauge(
      "pull_lag_seconds",
      "Age of what was pulled of an active seller's list at Square",
      "list",
    );
    this.#pendingFetches = gauge("pending_fetches", "Objects that are still to be fetched");
  }

  get gauges(): readonly Gauge[] {
    return [this.#status, this.#tokenExpiry, this.#lastEvent, this.#pullLag, this.#pendingFetches];
  }

  set(organizations: readonly OrganizationStatus[], now: Date): void {
    for (const { organization_id, status, pending_fetches, ...rest } of organizations) {
      this.#status.set({ organization_id, status }, 1);
      this.#pendingFetches.set({ organization_id }, pending_fetches);
      // Of a seller who has left, nothing more comes. Alerts about that would never end.
      if (status === "active") this.#setActive(organization_id, rest, now);
    }
  }

  #setActive(
    organization_id: string,
    { token, last_event_at, watermarks }: Pick<OrganizationStatus, "token" | "last_event_at" | "watermarks">,
    now: Date,
  ): void {
    if (token.expires_at) this.#tokenExpiry.set({ organization_id }, token.expires_at.getTime() / 1_000);
    if (last_event_at) this.#lastEvent.set({ organization_id }, last_event_at.getTime() / 1_000);
    for (const [list, watermark] of Object.entries(watermarks)) {
      const lag = (now.getTime() - Date.parse(String(watermark))) / 1_000;
      if (Number.isFinite(lag)) this.#pullLag.set({ organization_id, list }, lag);
    }
  }
}
