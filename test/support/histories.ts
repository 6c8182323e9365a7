/**
 * The customer stories of fixtures/histories: what Square sent, and the rows that a person computed from it.
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("../../fixtures/histories/", import.meta.url));

/** A row as JSON, by column name: money is a number, numeric is text, instants are ISO text. */
export type JsonRow = Readonly<Record<string, unknown>>;

/** One webhook envelope, ready to be sent as JSON. */
export interface HistoryEvent {
  readonly merchant_id: string;
  readonly type: string;
  readonly event_id: string;
  readonly created_at: string;
  readonly location_id?: string;
  readonly data: {
    readonly type: string;
    readonly id: string;
    readonly deleted?: boolean;
    readonly object?: Record<string, unknown>;
  };
}

export interface History {
  /** The folder's name, `NN-name`. */
  readonly name: string;
  /** The story with the reasons for its numbers, as Markdown. */
  readonly story: string;
  /** The events in the order in which they happened or arrived. Every order has the same result. */
  readonly events: readonly HistoryEvent[];
  /** The instant N at which the expected rows were computed. */
  readonly now: string;
  readonly organization: {
    readonly merchant_id: string;
    readonly name: string;
    readonly currency: string;
    readonly time_zone: string;
  };
  /** Rows of `locations` known before the first event. */
  readonly locations: readonly {
    readonly square_location_id: string;
    readonly name: string;
    readonly time_zone: string;
    readonly currency: string;
    readonly status: string;
  }[];
  /**
   * The row of customer_analytics for every customer id of the story. Null: there is no row. Rows have every column
   * but organization_id, created_at, updated_at, computed_at and definition_version.
   */
  readonly customers: Readonly<Record<string, JsonRow | null>>;
  /** All rows of analytics_appointments_by_location_daily, without organization_id. */
  readonly appointments_daily: readonly JsonRow[];
  /** All rows of analytics_revenue_by_location_daily, without organization_id. */
  readonly revenue_daily: readonly JsonRow[];
}

/** Reads every story, in the order of the numbers. */
export function loadHistories(): History[] {
  return readdirSync(FOLDER, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
    .map((name) => ({
      name,
      story: readFileSync(`${FOLDER}${name}/story.md`, "utf8"),
      events: readJson(`${name}/events.json`),
      ...readJson<Omit<History, "name" | "story" | "events">>(`${name}/expected.json`),
    }));
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(FOLDER + path, "utf8")) as T;
}
