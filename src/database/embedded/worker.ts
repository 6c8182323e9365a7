import { chmodSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";
import { Cluster } from "./cluster.js";

/** What owner.ts starts this worker with. */
export interface WorkerOptions {
  readonly clusterDir: string;
  /** Listen here for clients; without it the cluster is only made, and closed again. */
  readonly socketPath?: string;
}

/** More than any pools here open; the socket server's own default is one. */
const MAX_CONNECTIONS = 200;

const { clusterDir, socketPath } = workerData as WorkerOptions;

const cluster = await Cluster.open(clusterDir);
if (socketPath === undefined) {
  await cluster.close();
} else {
  const server = new PGLiteSocketServer({ db: cluster, path: socketPath, maxConnections: MAX_CONNECTIONS });
  await server.start();
  chmodSync(socketPath, 0o700);
  parentPort?.once("message", async () => {
    await server.stop();
    await cluster.close();
  });
  parentPort?.postMessage("listening");
}
