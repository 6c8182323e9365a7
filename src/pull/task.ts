import { recompute } from "../analytics/recompute.js";
import { bisectOnFailure } from "../database/bisect.js";
import { inTransaction } from "../database/transaction.js";
import type { ReportedError } from "../errors.js";
import { authoritativeKey } from "../facts/order-key.js";
import type { Fact } from "../facts/types.js";
import { lockFacts, writeFacts } from "../facts/write-facts.js";
import type { SquareApi } from "../square/api/api.js";
import { InvalidPayload } from "../square/schemas.js";
import type { JsonObject } from "../square/types.js";
import type { PullContext } from "./context.js";
import type { Pulled } from "./report.js";

/** One organization's pull, as all its steps share it. */
export interface PullTask {
  readonly context: PullContext;
  readonly api: SquareApi;
  readonly organizationId: string;
  /** When the pull began: what changes later is for the next one. */
  readonly startedAt: Date;
  readonly pulled: Pulled;
  readonly errors: ReportedError[];
  /** Reads everything there is, as if nothing had been read before. */
  readonly everything: boolean;
  /** False while a backfill runs, which recomputes everybody at its end. */
  readonly recompute: boolean;
}

type Counted = Exclude<keyof Pulled, "applied" | "skipped">;

/** Objects of one transaction: few enough that webhooks hardly wait for the locks. */
const CHUNK = 100;

/** What was not stored is named in the errors, this many of them for each page. */
const SHOWN = 3;

/** How many objects were stored, whether they said something new or not, and how many were not. */
export interface Stored {
  readonly applied: number;
  readonly failed: number;
}

/**
 * Stores a page of objects from the API, by the same parsers and the same writer as webhooks. An object that cannot be read or
 * written is noted as an error and harms no neighbour.
 *
 * @param read what an object means; throws {InvalidPayload}
 */
export async function storeObjects(
  task: PullTask,
  kind: Counted,
  objects: readonly JsonObject[],
  read: (object: JsonObject) => readonly Fact[],
): Promise<Stored> {
  const problems: string[] = [];
  const readable = objects.flatMap((object) => {
    try {
      return [{ object, facts: read(object).map(fromApi) }];
    } catch (error) {
      if (!(error instanceof InvalidPayload)) throw error;
      problems.push(`${idOf(object)}: ${error.message}`);
      return [];
    }
  });
  let applied = 0;
  for (let at = 0; at < readable.length; at += CHUNK) {
    const chunk = readable.slice(at, at + CHUNK);
    const written = await bisectOnFailure(
      chunk,
      (part) => writeTogether(task, part),
      ({ object }, error) => {
        problems.push(`${idOf(object)}: ${codeOf(error)}`);
      },
    );
    for (const count of written) applied += count;
  }
  // An object that tells of a merge can change several profiles.
  applied = Math.min(applied, objects.length - problems.length);
  task.pulled[kind] += objects.length;
  task.pulled.applied += applied;
  task.pulled.skipped += objects.length - problems.length - applied;
  for (const message of problems.slice(0, SHOWN)) noteError(task, kind, "not_stored", message);
  if (problems.length > SHOWN) {
    noteError(task, kind, "not_stored", `${problems.length - SHOWN} more objects of this page`);
  }
  return { applied, failed: problems.length };
}

interface Readable {
  readonly object: JsonObject;
  readonly facts: readonly Fact[];
}

/** One transaction. @returns how many objects were written */
async function writeTogether(task: PullTask, chunk: readonly Readable[]): Promise<number> {
  const { context, organizationId } = task;
  return inTransaction(context.database.pool, async (tx) => {
    const now = context.clock();
    const facts = chunk.map((readable) => readable.facts);
    const locked = await lockFacts(tx, organizationId, facts.flat());
    const { applied, affectedCustomerIds, refusedMerges } = await writeFacts(
      tx,
      organizationId,
      locked,
      facts,
      now,
      "api",
    );
    if (task.recompute) await recompute(tx, organizationId, affectedCustomerIds, now);
    for (const { from_customer_id, to_customer_id } of refusedMerges) {
      context.log.warn(
        { organization_id: organizationId, from_customer_id, to_customer_id },
        "merge refused: it closes a cycle",
      );
    }
    return applied;
  });
}

function fromApi(fact: Fact): Fact {
  if (!("order_key" in fact.value)) return fact;
  return {
    ...fact,
    value: { ...fact.value, order_key: authoritativeKey(fact.value.order_key) },
  } as Fact;
}

/** How many errors of one step a report names: a broken export of Square's could bring one for every page. */
const NAMED = 20;

export function noteError(task: PullTask, step: string, code: string, message: string): void {
  const organization_id = task.organizationId;
  const named = task.errors.filter(
    (error) => error.organization_id === organization_id && error.step === step,
  );
  if (named.length < NAMED) task.errors.push({ organization_id, step, code, message });
  if (named.length === NAMED - 1) {
    task.errors.push({ organization_id, step, code: "more_errors", message: "Further ones are not named." });
  }
}

/** An object's id says which one it is, and nothing about anybody. The report is stored, and no jsonb holds a NUL or half a character. */
export function idOf({ id }: JsonObject): string {
  return typeof id === "string"
    ? id.slice(0, 100).replaceAll(/[^\x20-\x7e]/g, "?")
    : "an object without an id";
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : "unknown failure";
}
