import { PGlite } from "@electric-sql/pglite";
import { SESSION_PARAMETERS } from "../session.js";
import { DurableFiles } from "./durable-files.js";

const START_PARAMETERS = [
  // PGlite's parameters without -F. That switch turns fsync off, but a commit must survive a power cut.
  ...PGlite.defaultStartParams.filter((parameter) => parameter !== "-F"),
  // PGlite does not pass on fdatasync, the default. It passes on fsync.
  ...["-c", "wal_sync_method=fsync"],
  ...SESSION_PARAMETERS,
  // A guest's ALTER SYSTEM would reach the server after a restart. What a guest has written with an earlier release
  // must not turn fsync off.
  ...["-c", "allow_alter_system=off", "-c", "fsync=on", "-c", "full_page_writes=on"],
  // The default path begins with the schema named after the user.
  ...["-c", "search_path=public"],
];

/** PGlite with our settings. A commit is on disk when it is acknowledged (see DurableFiles). */
export class Cluster extends PGlite {
  /** Opens the database in the folder, and creates it when there is none. */
  static async open(clusterDir: string): Promise<Cluster> {
    const cluster = new Cluster({ fs: new DurableFiles(clusterDir), startParams: START_PARAMETERS });
    await cluster.waitReady;
    return cluster;
  }
}
