import { PGlite } from "@electric-sql/pglite";
import { SESSION_PARAMETERS } from "../session.js";
import { DurableFiles } from "./durable-files.js";

const START_PARAMETERS = [
  // PGlite's own, without its -F: that switch turns fsync off, and a commit must survive a power cut.
  ...PGlite.defaultStartParams.filter((parameter) => parameter !== "-F"),
  // fdatasync, the default, never leaves PGlite; fsync reaches its files.
  ...["-c", "wal_sync_method=fsync"],
  ...SESSION_PARAMETERS,
  // A schema named after the user would come before ours.
  ...["-c", "search_path=public"],
];

/** PGlite with our settings, whose commits are on the disk when they are acknowledged: see DurableFiles. */
export class Cluster extends PGlite {
  /** Opens the database in the folder; makes it when there is none. */
  static async open(clusterDir: string): Promise<Cluster> {
    const cluster = new Cluster({ fs: new DurableFiles(clusterDir), startParams: START_PARAMETERS });
    await cluster.waitReady;
    return cluster;
  }
}
