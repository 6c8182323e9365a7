import { type Database, openDatabase } from "../../../src/database/database.js";
import { encryptAccessToken } from "../../../src/organizations/access-token.js";
import { type BackfillResult, backfill } from "../../../src/pull/backfill.js";
import type { SweepReport } from "../../../src/sweep/report.js";
import { type SweepContext, sweep } from "../../../src/sweep/sweep.js";
import { startFakeSquare } from "../../support/fake-square.js";
import { ACCESS_TOKEN, openScriptContext, TOKEN_KEY } from "../../support/square-context.js";
import type { Attack, AttackContext } from "../runner/attack.js";
import { checkNothingLost, checkRows } from "../runner/checks.js";
import type { AttackDatabase } from "../runner/databases.js";
import { type AttackSalon, addSalon } from "../runner/salon.js";
import { Sender } from "../runner/sender.js";

interface Options {
  readonly servers: number;
  readonly customers: number;
}

/** Webhooks, a backfill and sweeps at the same time. */
export function reconciling(options: Options): Attack {
  return {
    name: "reconciling",
    describe:
      "A backfill and sweeps read a salon from Square while its webhooks arrive in any order on several servers: in the end every row is right, and a sweep finds nothing to correct.",
    run: (context) => run(context, options),
  };
}

async function run(context: AttackContext, { servers: count, customers }: Options): Promise<void> {
  const { tally, random } = context;
  const attacked = await context.openDatabase();
  const database = await openPatient(attacked);
  context.defer(() => database.close());
  const env = { TOKEN_ENCRYPTION_KEY: TOKEN_KEY.toString("base64") };
  const start = () => context.startServer(attacked, { env });
  const servers = await Promise.all(Array.from({ length: count }, start));
  for (const round of context.rounds()) {
    const salon = await addSalon(attacked, `${context.seed}-${round}`, customers, new Date());
    const square = await startFakeSquare({ merchants: [{ salon: salon.served, accessToken: ACCESS_TOKEN }] });
    await connect(attacked, salon);
    const reconcile = openScriptContext(database, square.url);
    const sender = new Sender({ url: () => random.pick(servers).url, tally });
    const [never, filled, ...swept] = await Promise.all([
      sender.deliver(random.shuffle([...salon.events])),
      toEnd(backfill(reconcile, salon.organizationId, {})),
      sweep(reconcile, "recent"),
      sweep(reconcile, "full"),
    ]);
    sender.close();
    tally.fault(3);
    tally.expect(never === 0, `${never} events were never acknowledged`);
    tally.expect(filled.errors.length === 0, `the backfill failed: ${JSON.stringify(filled.errors)}`);
    // On a busy machine one sweep may end before the other begins. Then none is skipped.
    const skipped = swept.filter((report) => "skipped" in report).length;
    tally.expect(skipped < 2, "both of two simultaneous sweeps were skipped");
    for (const report of swept) if (!("skipped" in report)) expectNoErrors(report, tally);
    await checkNothingLost(attacked.database, sender.acknowledged.keys(), tally);
    await retryDeferred(reconcile);
    await checkRows(attacked.database, salon.organizationId, salon.events, new Date(), tally);
    await checkSettled(reconcile, tally);
    await checkRows(attacked.database, salon.organizationId, salon.events, new Date(), tally);
    // Without a token the next round's sweeps do not pull this salon, which their Square does not know.
    await attacked.database.pool.query("update organizations set access_token_ciphertext = null");
    await square.close();
  }
}

/**
 * By default a sweep waits five seconds for a lock, and reports an error then. On a busy machine the attack's own
 * sessions hold locks that long.
 */
function openPatient({ url }: AttackDatabase): Promise<Database> {
  return openDatabase({ databaseUrl: `${url}?options=-c%20lock_timeout%3D1h`, dataDir: "", role: "command" });
}

/** An event is deferred when its statement takes eight seconds. The server would retry it later. */
async function retryDeferred({ database, inbox }: SweepContext): Promise<void> {
  await database.pool.query("update webhook_events set next_attempt_at = now() where status = 'deferred'");
  while ((await inbox.retryDue()) > 0);
}

async function connect({ database }: AttackDatabase, { merchantId, organizationId }: AttackSalon) {
  const token = encryptAccessToken(TOKEN_KEY, merchantId, ACCESS_TOKEN);
  await database.pool.query("update organizations set access_token_ciphertext = $2 where id = $1", [
    organizationId,
    token,
  ]);
}

async function toEnd(steps: AsyncGenerator<unknown, BackfillResult>): Promise<BackfillResult> {
  for (;;) {
    const { value, done } = await steps.next();
    if (done) return value as BackfillResult;
  }
}

function expectNoErrors({ errors }: SweepReport, tally: AttackContext["tally"]): void {
  tally.expect(errors.length === 0, `the sweep failed: ${JSON.stringify(errors)}`);
}

/** Two full sweeps correct nothing, and the second one reads nothing new. */
async function checkSettled(reconcile: SweepContext, tally: AttackContext["tally"]): Promise<void> {
  for (const again of [false, true]) {
    const report = await sweep(reconcile, "full");
    if ("skipped" in report) throw new Error("another sweep was running");
    const { drift, created, deleted, pulled } = report;
    expectNoErrors(report, tally);
    const isClean = drift.length + created + deleted === 0;
    tally.expect(isClean, `a sweep had to correct ${JSON.stringify({ drift, created, deleted })}`);
    if (again) tally.expect(pulled.applied === 0, `a second full pull stored ${pulled.applied} objects`);
  }
}
