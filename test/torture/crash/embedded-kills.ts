import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { openDatabase } from "../../../src/database/database.js";
import type { Attack, AttackContext } from "../runner/attack.js";
import { ServerProcess } from "../runner/server-process.js";
import { crashUnderLoad, type Load } from "./under-load.js";

/**
 * Kills the process that is server and database at once.
 *
 * @param prepared a data folder with a migrated database. The caller removes it. Without it the attack creates one.
 */
export function embeddedKills(load: Load, prepared?: string): Attack {
  return {
    name: "embedded-kills",
    describe:
      "kill -9 of a server with its embedded database at random points under load: the next server takes the folder over, every event answered 200 is stored and counted, and the others are delivered again.",
    share: 2,
    run: (context) => run(context, load, prepared),
  };
}

async function run(context: AttackContext, load: Load, prepared?: string): Promise<void> {
  const dataDir = prepared ?? (await mkdtemp(path.join(tmpdir(), "regulars-torture-")));
  if (prepared === undefined) context.defer(() => rm(dataDir, { recursive: true, force: true }));
  const start = () => ServerProcess.start("", { env: { DATA_DIR: dataDir } });
  let server = await start();
  context.defer(() => server.kill());
  // This uses the server's socket. The next server's socket has the same path.
  const database = await openDatabase({ dataDir, role: "command" });
  context.defer(() => database.close());
  const crash = async () => {
    const { signal } = await server.kill();
    context.tally.expect(signal === "SIGKILL", "the server had ended before it was killed");
    server = await start();
  };
  await crashUnderLoad(context, { url: () => server.url, database, crash }, load);
}
