/*
 * A backup is the database's folder in a compressed tar archive. It is made while a server runs, in two passes:
 *
 * 1. All files are copied while the server works. Some are changed meanwhile, so this copy alone is no database.
 * 2. A guest's open transaction holds the engine. Nobody else runs then, and the engine has no process of its own that
 *    writes, so the files stand still. What changed since the first pass is appended. In a tar archive the later entry
 *    of a name counts.
 *
 * The result is what a power cut would leave at that moment: every acknowledged commit, in the write-ahead log if
 * nowhere else. Postgres recovers from it when the copy is opened. The list of all files comes last, so an archive
 * without it is not complete.
 */
import { randomUUID } from "node:crypto";
import { type FileHandle, open, readdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import pg from "pg";
import { RegularsError } from "../../errors.js";
import { CLUSTER, sync } from "./cluster-folder.js";
import { TAR_END, tarHeader, tarPadding } from "./tar.js";

/** The archive's last entry: a JSON object of `BackupManifest`. */
export const MANIFEST = "regulars-backup.json";

export interface BackupManifest {
  readonly format: 1;
  readonly made_at: string;
  /** Every file of the folder with its size. Folders have the size 0 and end in `/`. */
  readonly files: Readonly<Record<string, number>>;
}

export interface BackupOptions {
  readonly dataDir: string;
  /** A connection to the engine. */
  readonly pool: pg.Pool;
  readonly signal: AbortSignal;
  readonly now: Date;
  readonly onProgress: (bytes: number, total: number) => void;
}

export interface BackupReport {
  readonly files: number;
  readonly bytes: number;
  /** How long webhooks and other clients had to wait, in milliseconds. */
  readonly held_ms: number;
}

/** The engine dismisses a guest whose transaction is silent for five seconds. */
const KEEP_TURN_MS = 500;

const CONNECTION_LOST =
  /^(Connection terminated|Client has encountered a connection error|Query read timeout)/;

/**
 * A file that was changed so shortly before it was copied may be changed again without a new time. The clocks of file
 * systems are coarse.
 */
const RECENT_MS = 2_000;

/**
 * Writes a backup. Until it is complete and on the disk, the file is called `FILE.part`.
 *
 * @throws RegularsError `file_exists`, `file_unwritable`, `interrupted`, `backup_disturbed`
 */
export async function backUp(out: string, options: BackupOptions): Promise<BackupReport> {
  if (await stat(out).catch(() => undefined)) {
    throw new RegularsError("file_exists", `${out} exists. Choose another name, or move it away.`);
  }
  const part = `${out}.part`;
  const file = await open(part, "w", 0o600).catch((cause) => {
    throw new RegularsError("file_unwritable", `Cannot write ${out}: ${cause.message}`, { cause });
  });
  try {
    const report = await writeArchive(file, options);
    await rename(part, out);
    await sync(path.dirname(out));
    return report;
  } catch (error) {
    await rm(part, { force: true });
    if (options.signal.aborted) throw new RegularsError("interrupted", "Stopped. No backup was written.");
    throw error;
  } finally {
    await file.close();
  }
}

async function writeArchive(file: FileHandle, options: BackupOptions): Promise<BackupReport> {
  let report: BackupReport | undefined;
  const archive = Readable.from(
    (async function* () {
      report = yield* contentOf(options);
    })(),
    { objectMode: false },
  );
  const store = async (compressed: AsyncIterable<Buffer>) => {
    for await (const chunk of compressed) await file.writeFile(chunk);
  };
  // Level 1: compressing must not make the server wait.
  await pipeline(archive, createGzip({ level: 1 }), store, { signal: options.signal });
  await file.sync();
  if (!report) throw new Error("The archive ended without its list of files");
  return report;
}

async function* contentOf({
  dataDir,
  pool,
  now,
  onProgress,
}: BackupOptions): AsyncGenerator<Buffer, BackupReport> {
  const cluster = path.join(dataDir, CLUSTER);
  const copied = new Map<string, string>();
  let bytes = 0;
  let total = 0;
  async function* copy(name: string, size: number) {
    for await (const chunk of entryOf(cluster, name, size)) {
      bytes += chunk.length;
      onProgress(bytes, total);
      yield chunk;
    }
  }

  const client = await pool.connect();
  // The statement that runs then fails too, and says it.
  client.on("error", () => {});
  const held = { since: 0, ms: 0 };
  try {
    await client.query("checkpoint");
    const first = await filesOf(cluster);
    total = await sizeOf(cluster, first);
    for (const name of first) {
      const before = await versionOf(cluster, name);
      // Removed meanwhile. Then the second pass does not list it either.
      if (before === undefined) continue;
      copied.set(name, before.version);
      yield* copy(name, before.size);
    }
    await client.query("begin");
    // The turn begins with the first statement. Its time tells whether the transaction is still the same at the end.
    const begun = await client.query<{ at: string }>("select now()::text as at");
    held.since = performance.now();
    const keepTurn = setInterval(() => client.query("select 1").catch(() => {}), KEEP_TURN_MS);
    const files: Record<string, number> = {};
    try {
      for (const name of await filesOf(cluster)) {
        const after = await versionOf(cluster, name);
        if (after === undefined) continue;
        files[name] = after.size;
        if (copied.get(name) !== after.version) yield* copy(name, after.size);
      }
    } finally {
      clearInterval(keepTurn);
    }
    const still = await client.query<{ at: string }>("select now()::text as at").catch(() => undefined);
    await client.query("rollback");
    held.ms = Math.round(performance.now() - held.since);
    if (still?.rows[0]?.at !== begun.rows[0]?.at) throw new Error("Connection terminated");
    const manifest: BackupManifest = { format: 1, made_at: now.toISOString(), files };
    const text = Buffer.from(JSON.stringify(manifest));
    yield Buffer.concat([
      tarHeader({ name: MANIFEST, size: text.length }),
      text,
      tarPadding(text.length),
      TAR_END,
    ]);
    return { files: Object.keys(files).length, bytes, held_ms: held.ms };
  } catch (cause) {
    // A failure of the file system, or the end of the archive's reader.
    if (
      !(cause instanceof pg.DatabaseError) &&
      !(cause instanceof Error && CONNECTION_LOST.test(cause.message))
    ) {
      throw cause;
    }
    const message = "The database ended the backup's connection before the copy was complete. Run it again.";
    throw new RegularsError("backup_disturbed", message, { cause });
  } finally {
    client.release(true);
  }
}

/** Header, content and padding. A content that shrank or grew meanwhile is filled up or cut; the second pass sees it. */
async function* entryOf(cluster: string, name: string, size: number): AsyncGenerator<Buffer> {
  yield tarHeader({ name, size });
  if (name.endsWith("/")) return;
  let left = size;
  const file = await open(path.join(cluster, name)).catch(() => undefined);
  try {
    while (file && left > 0) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(Math.min(left, 1 << 20)));
      if (bytesRead === 0) break;
      left -= bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file?.close();
  }
  while (left > 0) {
    const zeros = Buffer.alloc(Math.min(left, 1 << 20));
    left -= zeros.length;
    yield zeros;
  }
  yield tarPadding(size);
}

/** The names of all files and folders, relative to the cluster's folder. Names of folders end in `/`. */
async function filesOf(cluster: string): Promise<string[]> {
  const entries = await readdir(cluster, { recursive: true, withFileTypes: true });
  return entries.map((entry) => {
    const name = path.relative(cluster, path.join(entry.parentPath, entry.name)).split(path.sep).join("/");
    return entry.isDirectory() ? `${name}/` : name;
  });
}

async function sizeOf(cluster: string, names: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const name of names) bytes += (await versionOf(cluster, name))?.size ?? 0;
  return bytes;
}

/**
 * The version is equal for two moments only if the file was not changed between them. The size belongs to the
 * version: both come from one look at the file, because it may grow between two. Undefined when there is no file.
 */
async function versionOf(
  cluster: string,
  name: string,
): Promise<{ readonly size: number; readonly version: string } | undefined> {
  if (name.endsWith("/")) return { size: 0, version: "folder" };
  const found = await stat(path.join(cluster, name), { bigint: true }).catch(() => undefined);
  if (found === undefined) return undefined;
  const isRecent = Date.now() - Number(found.ctimeMs) < RECENT_MS;
  const version = `${found.ino} ${found.size} ${found.ctimeNs}${isRecent ? ` ${randomUUID()}` : ""}`;
  return { size: Number(found.size), version };
}
