/** Salons for attacks. They are simulated around the present, so every column that depends on the clock changes. */
import { addOrganization } from "../../../src/organizations/organizations.js";
import { simulateSalon } from "../../../src/simulator/salon.js";
import type { WebhookEvent } from "../../oracle/index.js";
import type { WatchedSalon } from "../../support/history.js";
import { turbulence } from "../../support/turbulence.js";
import type { AttackDatabase } from "./databases.js";

const DAY_MS = 86_400_000;

export interface AttackSalon {
  readonly merchantId: string;
  readonly organizationId: string;
  /** Every event Square would send, in the order of its time. */
  readonly events: readonly WebhookEvent[];
  /** The salon as a fake Square serves it. */
  readonly served: WatchedSalon;
}

/**
 * A turbulent salon of the last hundred days, and its organization in the database.
 *
 * @param seed any text. The merchant's id is made from it
 * @param until the time of the last event. The default is some days after the present
 */
export async function addSalon(
  { database }: Pick<AttackDatabase, "database">,
  seed: string,
  customers: number,
  until?: Date,
): Promise<AttackSalon> {
  const merchantId = `M-${seed}`;
  // The start is a whole week of the epoch. So the same seed has nearly the same story tomorrow.
  const start = Math.floor((Date.now() - 95 * DAY_MS) / (7 * DAY_MS)) * 7 * DAY_MS;
  const salon = simulateSalon({
    ...turbulence,
    seed,
    merchantId,
    customers,
    start: new Date(start),
    end: new Date(start + 110 * DAY_MS),
  });
  const { id } = await addOrganization(database, { merchantId, name: "Salon" }, new Date());
  const events = [...salon.events(until)].map(({ event }) => event as WebhookEvent);
  return { merchantId, organizationId: id, events, served: salon };
}

/** Whether an event is about a merge or its undoing. Without such an event the others may be ambiguous. */
export function tellsOfMerge({ data }: WebhookEvent): boolean {
  const { event_context, customer } = data.object ?? {};
  return event_context !== undefined || customer?.creation_source === "UNMERGE_RECOVERY";
}
