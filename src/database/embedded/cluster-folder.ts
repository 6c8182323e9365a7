import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, open, readdir, readFile, rename, rm } from "node:fs/promises";
import path from "node:path";
import { DataDirUnusable } from "../../errors.js";

/** A folder of this name is complete. It is renamed to this only after its content is on disk. */
export const CLUSTER = "pg";
/** PGlite's. */
const POSTGRES_VERSION = "18";
const UNFINISHED = "pg.new-";

/** Whether the data folder holds a database. */
export function holdsCluster(dataDir: string): boolean {
  return existsSync(path.join(dataDir, CLUSTER));
}

/**
 * Returns the folder of the database's files in the data folder, and creates it when there is none. The caller holds
 * the lock. A new database is created under another name and then renamed, so an interrupted creation leaves nothing
 * that looks like a database. The next call removes what it left. A folder that holds files is never changed.
 *
 * @param make fills the folder it is given, and has closed it when it resolves
 * @throws DataDirUnusable when the folder does not hold a database of this version
 */
export async function clusterFolder(
  dataDir: string,
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const cluster = path.join(dataDir, CLUSTER);
  await removeUnfinished(dataDir);
  const content = await contentOf(cluster);
  if (content.length === 0) {
    const unfinished = path.join(dataDir, `${UNFINISHED}${randomUUID()}`);
    await make(unfinished);
    await syncTree(unfinished);
    await rename(unfinished, cluster);
    await sync(dataDir);
  } else if (!content.includes("PG_VERSION")) {
    throw new DataDirUnusable(
      `${cluster} holds files but no database: move it away, or choose another DATA_DIR`,
    );
  }
  await refuseOtherVersions(cluster);
  // Other users may read the data folder, but not the database.
  await chmod(cluster, 0o700);
  return cluster;
}

async function refuseOtherVersions(cluster: string): Promise<void> {
  const version = (await readFile(path.join(cluster, "PG_VERSION"), "utf8")).trim();
  if (version === POSTGRES_VERSION) return;
  throw new DataDirUnusable(
    `${cluster} is a database of Postgres ${/^\d+$/.test(version) ? version : "(its PG_VERSION is damaged)"}. ` +
      `This release reads Postgres ${POSTGRES_VERSION} only: nothing was changed`,
  );
}

async function removeUnfinished(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) {
    if (name.startsWith(UNFINISHED)) await rm(path.join(dataDir, name), { recursive: true, force: true });
  }
}

async function contentOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}

async function syncTree(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  for (const entry of entries) await sync(path.join(entry.parentPath, entry.name));
  await sync(folder);
}

/** Writes a file's content, or a folder's entries, to the disk, so that they survive a power cut. */
export async function sync(file: string): Promise<void> {
  const handle = await open(file);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
