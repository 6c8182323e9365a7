import { createReadStream } from "node:fs";
import { mkdir, open, readdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { z } from "zod";
import { RegularsError } from "../../errors.js";
import { type BackupManifest, MANIFEST } from "./backup.js";
import { Cluster } from "./cluster.js";
import { clusterFolder } from "./cluster-folder.js";
import { whileClosed } from "./owner.js";
import { DamagedArchive, tarEntries } from "./tar.js";

const manifestSchema = z.object({
  format: z.literal(1),
  made_at: z.string(),
  files: z.record(z.string(), z.number()),
}) satisfies z.ZodType<BackupManifest>;

/**
 * Puts a backup's database into a data folder that holds none. The files are unpacked under another name, compared
 * with the backup's list, and opened once, so that Postgres recovers. Only then they get the database's name. A
 * restore that is interrupted leaves no database, and the next start removes its files.
 *
 * @throws RegularsError `data_dir_not_empty`, `backup_unreadable`
 * @throws DataDirInUse when a process has the folder's database open
 */
export async function restore(file: string, dataDir: string, signal: AbortSignal): Promise<BackupManifest> {
  return whileClosed(dataDir, async (folder) => {
    let manifest: BackupManifest | undefined;
    await clusterFolder(folder, async (unfinished) => {
      try {
        manifest = await unpack(file, unfinished, signal);
        const cluster = await Cluster.open(unfinished);
        await cluster.close();
      } catch (error) {
        await rm(unfinished, { recursive: true, force: true });
        throw explained(file, error, signal);
      }
    });
    if (manifest) return manifest;
    const message = `${folder} already holds a database. Restore into another DATA_DIR, or move it away.`;
    throw new RegularsError("data_dir_not_empty", message);
  });
}

async function unpack(file: string, folder: string, signal: AbortSignal): Promise<BackupManifest> {
  await mkdir(folder, { mode: 0o700 });
  const manifest = await pipeline(
    createReadStream(file),
    createGunzip(),
    (source: AsyncIterable<Buffer>) => unpackEntries(source, folder),
    { signal },
  );
  await removeOthers(folder, manifest);
  for (const [name, size] of Object.entries(manifest.files)) {
    const found = await stat(path.join(folder, name)).catch(() => undefined);
    const isSame = found && (name.endsWith("/") ? found.isDirectory() : found.size === size);
    if (!isSame) throw new DamagedArchive(`lacks ${name}, or holds it with another size`);
  }
  return manifest;
}

async function unpackEntries(source: AsyncIterable<Buffer>, folder: string): Promise<BackupManifest> {
  let manifest: BackupManifest | undefined;
  for await (const { name, content } of tarEntries(source)) {
    const target = path.join(folder, name);
    if (name === MANIFEST) manifest = await readManifest(content);
    else if (name.endsWith("/")) await mkdir(target, { recursive: true, mode: 0o700 });
    else await writeContent(target, content);
  }
  if (!manifest) throw new DamagedArchive("is no complete backup");
  return manifest;
}

async function readManifest(content: AsyncIterable<Buffer>): Promise<BackupManifest> {
  const chunks: Buffer[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return manifestSchema.parse(JSON.parse(Buffer.concat(chunks).toString("utf8")));
}

/** Replaces what an earlier entry of this name has written. */
async function writeContent(target: string, content: AsyncIterable<Buffer>): Promise<void> {
  await mkdir(path.dirname(target), { recursive: true, mode: 0o700 });
  const file = await open(target, "w", 0o600);
  try {
    for await (const chunk of content) await file.writeFile(chunk);
  } finally {
    await file.close();
  }
}

/** Removes files that the database had removed before the backup was complete. */
async function removeOthers(folder: string, { files }: BackupManifest): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const name = path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join("/");
    if (!(name in files) && !(`${name}/` in files)) await rm(path.join(folder, name), { recursive: true });
  }
}

function explained(file: string, error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return new RegularsError("interrupted", "Stopped. Nothing was restored.");
  if (!(error instanceof Error)) return error;
  const isOfArchive = error instanceof DamagedArchive || error instanceof z.ZodError;
  const code = "code" in error ? String(error.code) : "";
  const path = "path" in error ? error.path : undefined;
  if (!isOfArchive && !code.startsWith("Z_") && path !== file) return error;
  const reason =
    error instanceof DamagedArchive
      ? error.message
      : code.startsWith("Z_")
        ? "is damaged, cut off, or no backup"
        : `cannot be read (${code || "its list of files is damaged"})`;
  return new RegularsError("backup_unreadable", `${file} ${reason}. Nothing was restored.`, { cause: error });
}
