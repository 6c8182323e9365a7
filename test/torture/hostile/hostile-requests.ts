import type { Database } from "../../../src/database/database.js";
import type { Attack, AttackContext } from "../runner/attack.js";
import { type HttpAnswer, HttpClient } from "../runner/http.js";
import { addSalon } from "../runner/salon.js";
import { ADMIN_KEY, CRON_SECRET, type ServerProcess, SIGNATURE_KEY } from "../runner/server-process.js";
import type { Tally } from "../runner/tally.js";
import type { HostileRequest } from "./hostile-request.js";
import { hostileRequest } from "./requests.js";

const AT_ONCE = 16;
const PER_ROUND = 500;
/** The first rounds fill caches and plans. Memory is compared after them. */
const WARM_UP_ROUNDS = 10;
const MIB = 2 ** 20;

const allowed = new Set([200, 201, 202, 400, 401, 404, 405, 413, 414, 415, 431, 503]);

/** @param atMost how many requests are generated if there is time */
export function hostileRequests({ atMost }: { readonly atMost: number }): Attack {
  return {
    name: "hostile-requests",
    describe: `Up to ${atMost} generated requests with forged signatures, broken JSON, strange bytes and strange HTTP, and calls of the API: 503 is the only 5xx, nothing is stored without a signature, memory stays flat, and no secret is in answers or logs.`,
    share: 4,
    run: (context) => run(context, atMost),
  };
}

async function run(context: AttackContext, atMost: number): Promise<void> {
  const { tally, random } = context;
  const attacked = await context.openDatabase();
  const { merchantId, organizationId } = await addSalon(attacked, context.seed, 1);
  const server = await context.startServer(attacked);
  const client = new HttpClient();
  const memory = new Memory();
  let expected = 0;
  for (const round of context.rounds(Math.ceil(atMost / PER_ROUND))) {
    const requests = Array.from({ length: PER_ROUND }, () =>
      hostileRequest(random, { merchantId, organizationId }),
    ).values();
    const work = async () => {
      for (const request of requests) {
        tally.fault();
        const answer = await client.send(server.url, request).catch((error: Error) => error);
        expected += judge(request, answer, tally);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    if (round % 10 === 9) await memory.note(server);
    if (round % 40 === 39) context.log(`${(round + 1) * PER_ROUND} requests`);
    if (!server.running) throw new Error(`The server ended: ${server.output.slice(-5).join("\n")}`);
  }
  client.close();
  await checkStored(attacked.database, expected, tally);
  memory.judge(tally);
  const log = server.output.join("\n");
  for (const secret of [ADMIN_KEY, CRON_SECRET, SIGNATURE_KEY]) {
    tally.expect(!log.includes(secret), "a secret is in the log");
  }
  tally.expect(!log.includes("request failed"), `the log has a failure: ${failureIn(server)}`);
}

/** @returns how many rows of webhook_events this answer accounts for */
function judge(request: HostileRequest, answer: HttpAnswer | Error, tally: Tally): number {
  const { trick, method, path, body } = request;
  const what = () => `${trick}, ${method} ${path.slice(0, 200)} ${body?.toString().slice(0, 300) ?? ""}`;
  if (answer instanceof Error) {
    tally.broken(`no answer (${answer.message}): ${what()}`);
    return 0;
  }
  const { status, headers, text } = answer;
  tally.expect(allowed.has(status), `${status} ${text.slice(0, 100)}: ${what()}`);
  tally.expect(
    status !== 503 || headers["retry-after"] !== undefined || text.includes("not_configured"),
    `503 without Retry-After: ${what()}`,
  );
  tally.figure(`answered ${status}`, Number(tally.figures[`answered ${status}`] ?? 0) + 1);
  if (!/^\/webhooks\/square\/?(\?|$)/.test(path)) return 0;
  tally.counts.sent += 1;
  tally.expect(status !== 200 || request.mayStore, `accepted without a valid signature: ${what()}`);
  if (status !== 200) return 0;
  tally.counts.acknowledged += 1;
  return (JSON.parse(text) as { status: string }).status === "duplicate" ? 0 : 1;
}

/** Each event that was acknowledged as new is one row. There is no other row. */
async function checkStored({ pool }: Database, expected: number, tally: Tally): Promise<void> {
  const { rows } = await pool.query<{ stored: number }>("select count(*)::int as stored from webhook_events");
  const stored = rows[0]?.stored ?? 0;
  tally.compared(expected, Math.abs(stored - expected));
  tally.figure("events stored", stored);
  // An event that cannot be processed is dead. One exception is deferred: a customer's sum beyond 64 bits (22003).
  const failed = await pool.query<{ last_error: string; payload: string }>(
    `select last_error, left(payload::text, 600) as payload from webhook_events
     where status = 'deferred' and last_error <> 'error 22003' limit 10`,
  );
  for (const { last_error, payload } of failed.rows) {
    tally.broken(`an event was stored and could not be processed (${last_error}): ${payload}`);
  }
}

function failureIn({ output }: ServerProcess): string {
  return output.find((line) => line.includes("request failed"))?.slice(0, 1_000) ?? "";
}

/** The memory in use after garbage collections, during the run. */
class Memory {
  readonly #heaps: number[] = [];
  readonly #resident: number[] = [];

  async note(server: ServerProcess): Promise<void> {
    const { heapUsed, external, rss } = await server.memory();
    this.#heaps.push((heapUsed + external) / MIB);
    this.#resident.push(rss / MIB);
  }

  judge(tally: Tally): void {
    const [first, last] = [this.#heaps[WARM_UP_ROUNDS / 10 - 1], this.#heaps.at(-1)];
    if (first === undefined || last === undefined) return;
    tally.figure("heap MiB first", first);
    tally.figure("heap MiB last", last);
    tally.figure("RSS MiB first", this.#resident[0] ?? 0);
    tally.figure("RSS MiB last", this.#resident.at(-1) ?? 0);
    tally.expect(last < first * 1.2 + 10, `memory grew from ${first} to ${last} MiB`);
  }
}
