import type { Attack, AttackContext } from "../runner/attack.js";
import { crashUnderLoad, type Load } from "./under-load.js";

/** Kills the server at work and starts another. */
export function serverKills(load: Load): Attack {
  return {
    name: "server-kills",
    describe:
      "kill -9 of the server at random points under load: every event answered 200 is stored and counted, the others are delivered again, no lock remains, and the next server starts without manual repair.",
    share: 3,
    run: (context) => run(context, load),
  };
}

async function run(context: AttackContext, load: Load): Promise<void> {
  const attacked = await context.openDatabase();
  let server = await context.startServer(attacked);
  const crash = async () => {
    const { signal } = await server.kill();
    context.tally.expect(signal === "SIGKILL", "the server had ended before it was killed");
    server = await context.startServer(attacked);
  };
  await crashUnderLoad(context, { url: () => server.url, database: attacked.database, crash }, load);
}
