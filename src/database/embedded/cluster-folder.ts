import { randomUUID } from "node:crypto";
import { chmod, open, readdir, readFile, rename, rm } from "node:fs/promises";
import path from "node:path";
import { DataDirUnusable } from "../../errors.js";

/** A folder of this name is complete: it appears by a rename, after all that is in it has reached the disk. */
const CLUSTER = "pg";
/** The one that PGlite is. */
const POSTGRES_VERSION = "18";
const UNFINISHED = "pg.new-";

/**
 * The folder of the database's files within the data folder, made when there is none. The caller holds the lock.
 * It is made beside and renamed, so that a creation cut off at any moment leaves nothing that looks like a database;
 * what it left is removed. A folder that holds anything is not touched, whatever state it is in.
 *
 * @param make fills the folder it is given, and is done with it when it resolves.
 * @throws DataDirUnusable when the folder holds something else than a database.
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
      `${cluster} holds files, but no database: move it away, or choose another DATA_DIR`,
    );
  }
  await refuseOtherVersions(cluster);
  // The data folder may be open to others; what is in the database is not for them.
  await chmod(cluster, 0o700);
  return cluster;
}

async function refuseOtherVersions(cluster: string): Promise<void> {
  const version = (await readFile(path.join(cluster, "PG_VERSION"), "utf8")).trim();
  if (version === POSTGRES_VERSION) return;
  throw new DataDirUnusable(
    `${cluster} is a database of Postgres ${/^\d+$/.test(version) ? version : "(its PG_VERSION is damaged)"}, ` +
      `this release reads those of Postgres ${POSTGRES_VERSION}: nothing was changed`,
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

/** Makes a file's content, or a folder's names, outlast a power cut. */
async function sync(file: string): Promise<void> {
  const handle = await open(file);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
