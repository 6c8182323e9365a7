import { recompute } from "../analytics/recompute.js";
import { bisectOnFailure } from "../database/bisect.js";
import { inBackgroundTransaction } from "../database/lock-wait.js";
import { describeFailure, noteError } from "../errors.js";
import { authoritativeKey } from "../facts/order-key.js";
import type { Fact } from "../facts/types.js";
import { lockFacts, type WrittenFacts, writeFacts } from "../facts/write-facts.js";
import { InvalidPayload } from "../square/schemas/fields.js";
import type { JsonObject } from "../square/types.js";
import type { PullTask } from "./connect.js";
import type { Pulled } from "./report.js";

export type PulledKind = Exclude<keyof Pulled, "applied" | "skipped">;

/** Objects in one transaction. Webhooks wait only briefly for their locks. */
const CHUNK = 100;

/**
 * Stores objects from the API with the same handlers and the same writer as webhooks. An object that cannot be read
 * or written is noted as an error. The others are stored.
 *
 * @param factsOf turns an object into facts; throws {InvalidPayload}
 * @returns the number of objects that could not be stored
 */
export async function storeObjects(
  task: PullTask,
  kind: PulledKind,
  objects: readonly JsonObject[],
  factsOf: (object: JsonObject) => readonly Fact[],
): Promise<number> {
  const readable = readEach(task, kind, objects, (object) => factsOf(object).map(fromApi));
  let stored = readable.length;
  let written = 0;
  for (let at = 0; at < readable.length; at += CHUNK) {
    const chunks = await bisectOnFailure(
      readable.slice(at, at + CHUNK),
      (chunk) => writeChunk(task, chunk),
      ({ object }, error) => {
        stored -= 1;
        noteNotStored(task, kind, object, describeFailure(error));
      },
    );
    for (const { applied, inferredDeletions } of chunks) {
      written += applied;
      task.report.inferred_deletions += inferredDeletions;
    }
  }
  // One object with a merge can change several profiles.
  const applied = Math.min(written, stored);
  countPulled(task, kind, { read: objects.length, stored, applied });
  return objects.length - stored;
}

interface Readable<Value> {
  readonly object: JsonObject;
  readonly values: readonly Value[];
}

/** Parses the objects. An object that cannot be parsed is noted as an error and left out. */
export function readEach<Value>(
  task: PullTask,
  kind: PulledKind,
  objects: readonly JsonObject[],
  parse: (object: JsonObject) => readonly Value[],
): Readable<Value>[] {
  return objects.flatMap((object) => {
    try {
      return [{ object, values: parse(object) }];
    } catch (error) {
      if (!(error instanceof InvalidPayload)) throw error;
      noteNotStored(task, kind, object, error.message);
      return [];
    }
  });
}

export function countPulled(
  { report: { pulled } }: PullTask,
  kind: PulledKind,
  { read, stored, applied }: { readonly read: number; readonly stored: number; readonly applied: number },
): void {
  pulled[kind] += read;
  pulled.applied += applied;
  pulled.skipped += stored - applied;
}

/** Writes a chunk in one transaction. */
async function writeChunk(task: PullTask, chunk: readonly Readable<Fact>[]): Promise<WrittenFacts> {
  const { organizationId, pool, clock, log } = task;
  return inBackgroundTransaction(pool, async (tx) => {
    const now = clock();
    const facts = chunk.map(({ values }) => values);
    const locked = await lockFacts(tx, organizationId, facts.flat());
    const written = await writeFacts(tx, organizationId, locked, facts, now, "api");
    if (task.recompute) await recompute(tx, organizationId, written.affectedCustomerIds, now);
    for (const { from_customer_id, to_customer_id } of written.refusedMerges) {
      const fields = { organization_id: organizationId, from_customer_id, to_customer_id };
      log.warn(fields, "merge refused: it would close a cycle");
    }
    return written;
  });
}

function fromApi(fact: Fact): Fact {
  if (!("order_key" in fact.value)) return fact;
  const order_key = authoritativeKey(fact.value.order_key);
  return { ...fact, value: { ...fact.value, order_key } } as Fact;
}

function noteNotStored(task: PullTask, step: string, object: JsonObject, reason: string): void {
  const message = `${idOf(object)}: ${reason}`;
  noteError(task.report.errors, {
    organization_id: task.organizationId,
    step,
    code: "not_stored",
    message,
  });
}

/**
 * The object's id, which is not personal data. Only printable ASCII: jsonb stores neither NUL nor a lone surrogate.
 */
function idOf({ id }: JsonObject): string {
  return typeof id === "string"
    ? id.slice(0, 100).replaceAll(/[^\x20-\x7e]/g, "?")
    : "an object without an id";
}
