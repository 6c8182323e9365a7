import { onTestFinished } from "vitest";
import { type Salon, type SalonOptions, simulateSalon } from "../../src/simulator/salon.js";
import type { AnyJson } from "../support/any-json.js";
import { type FaultySquare, type FaultySquareOptions, startFakeSquare } from "../support/fake-square.js";
import type { WatchedSalon } from "../support/history.js";
import { turbulence } from "../support/turbulence.js";

export const TOKEN = "token-of-the-test";
export const START = new Date("2025-01-01T00:00:00Z");
export const END = new Date("2025-05-01T00:00:00Z");

/** A small salon in which everything happens often. */
export function turbulentSalon(seed: number, options: Partial<SalonOptions> = {}): Salon {
  return simulateSalon({ ...turbulence, seed, start: START, end: END, customers: 12, ...options });
}

/** Lets a salon's whole history happen. */
export function unfold(salon: Salon, until?: Date): Salon {
  for (const _ of salon.events(until));
  return salon;
}

/** Asks one endpoint with a query or body, such as `GET /v2/payments`. */
export type Ask = (
  name: string,
  given?: object,
  token?: string,
) => Promise<{ readonly status: number; readonly body: AnyJson }>;

/** All rows of a list, page after page. */
export type Every = (name: string, key: string, given?: object) => Promise<AnyJson[]>;

/** A fake Square for one test, and what asks it. */
export async function serve(
  salon: WatchedSalon,
  options: Partial<FaultySquareOptions> = {},
): Promise<{ square: FaultySquare; ask: Ask; every: Every }> {
  const merchants = [{ salon, accessToken: TOKEN }];
  const square = await startFakeSquare({ merchants, clock: () => END, ...options });
  onTestFinished(() => square.close());
  const ask: Ask = async (name, given = {}, token = `Bearer ${TOKEN}`) => {
    const [method = "GET", path = "/"] = name.split(" ");
    const url = new URL(path, square.url);
    const init: RequestInit = { method, headers: { authorization: token } };
    if (method === "POST") init.body = JSON.stringify(given);
    else for (const [key, value] of Object.entries(given)) url.searchParams.set(key, String(value));
    const answer = await fetch(url, init);
    return { status: answer.status, body: JSON.parse(await answer.text()) };
  };
  const every: Every = async (name, key, given = {}) => {
    const rows = [];
    for (let cursor: string | undefined; ; ) {
      const { status, body } = await ask(name, { ...given, ...(cursor && { cursor }) });
      if (status !== 200) throw new Error(`${name} answered ${status}: ${JSON.stringify(body)}`);
      rows.push(...(body[key] ?? []));
      cursor = body.cursor ?? undefined;
      if (cursor === undefined) return rows;
    }
  };
  return { square, ask, every };
}
