import type { Attack, AttackContext } from "../runner/attack.js";
import { crashUnderLoad, type Load } from "./under-load.js";

/** Kills the server at work and starts another. */
export function serverKills(load: Load): Attack {
  return {
    name: "server-kills",
    describe:
      "kill -9 of the server at random points under load: what it answered 200 is stored and counted, the rest comes again, no lock stays behind, and it starts again by itself.",
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
