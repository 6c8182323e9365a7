import { chmodSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";
import { Cluster } from "./cluster.js";
import { clusterFolder } from "./cluster-folder.js";

/** What owner.ts starts this worker with. */
export interface WorkerOptions {
  readonly dataDir: string;
  readonly socketPath: string;
}

/** More than any pools here open; the socket server's own default is one. */
const MAX_CONNECTIONS = 200;

const { dataDir, socketPath }: WorkerOptions = workerData;

const folder = await clusterFolder(dataDir, async (unfinished) => {
  const cluster = await Cluster.open(unfinished);
  await cluster.close();
});
const cluster = await Cluster.open(folder);
const server = new PGLiteSocketServer({ db: cluster, path: socketPath, maxConnections: MAX_CONNECTIONS });
await server.start();
chmodSync(socketPath, 0o700);

parentPort?.once("message", async () => {
  await server.stop();
  await cluster.close();
});
parentPort?.postMessage("listening");
