import { factsOfPayment } from "../../handlers/payment.js";
import { factsOfRefund } from "../../handlers/refund.js";
import type { Fact } from "../facts/types.js";
import type { Page, UpdatedFilter } from "../square/api/api.js";
import type { JsonObject } from "../square/types.js";
import type { PullTask } from "./connect.js";
import { storeObjects } from "./store-objects.js";
import { moveWatermark, readFrom, readList } from "./watermark.js";

/** Pulls one location's payments that changed since the last pull. Each location has its own watermark. */
export function pullPayments(task: PullTask, locationId: string): Promise<void> {
  return pullUpdated(task, "payments", `payments/${locationId}`, factsOfPayment, (filter) =>
    task.api.payments({ ...filter, locationId }),
  );
}

export function pullRefunds(task: PullTask): Promise<void> {
  return pullUpdated(task, "refunds", "refunds", factsOfRefund, (filter) => task.api.refunds(filter));
}

/** Pulls all objects of one kind whose `updated_at` is after the watermark. */
export async function pullUpdated(
  task: PullTask,
  kind: "payments" | "refunds" | "customers",
  what: string,
  factsOf: (object: JsonObject) => readonly Fact[],
  list: (filter: UpdatedFilter) => Promise<Page>,
): Promise<void> {
  const window = { updatedFrom: await readFrom(task, what), updatedTo: task.startedAt };
  const failed = await readList(
    (cursor) => list({ ...window, cursor }),
    (objects) => storeObjects(task, kind, objects, factsOf),
  );
  if (failed === 0) await moveWatermark(task, what);
}
