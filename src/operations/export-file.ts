import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { RegularsError } from "../errors.js";
import { readLines } from "../inbox/lines.js";
import { type ExportHeader, type ExportPosition, positionOf } from "./export.js";

/** A run that began earlier than this is not continued, because its first lines may be out of date. */
const RESUMABLE_MS = 24 * 3600 * 1000;

/** How many lines of each type are in an export. */
export type LineCounts = Record<string, number>;

/**
 * The file of an unfinished export. Its name ends in `.part`. Its last complete line says where to continue. An
 * incomplete line after it is removed.
 */
export class ExportFile {
  readonly #file: FileHandle;
  readonly #out: string;
  /** The lines that an earlier run has written. */
  readonly counts: LineCounts;
  /** The last written object. Undefined when there is none. */
  readonly after: ExportPosition | undefined;
  /** Whether it continues an earlier run. */
  readonly resumed: boolean;

  private constructor(file: FileHandle, out: string, { counts, after, resumed }: Written) {
    this.#file = file;
    this.#out = out;
    this.counts = counts;
    this.after = after;
    this.resumed = resumed;
  }

  /**
   * Continues a run of the same export that was interrupted within the last day, or starts a new one.
   *
   * @param restart always starts a new one
   * @throws RegularsError `file_unwritable`, or `export_mismatch` when the unfinished file belongs to another export
   */
  static async open(out: string, header: ExportHeader, restart: boolean): Promise<ExportFile> {
    return writing(out, async () => {
      const existing = await stat(out).catch(() => undefined);
      if (existing && !existing.isFile()) {
        throw new RegularsError("file_unwritable", `Cannot write ${out}: it is not a regular file.`);
      }
      // Readable by its owner only, because it holds personal data.
      const file = await open(partOf(out), "a+", 0o600);
      try {
        const written = restart ? undefined : await readWritten(file, header, partOf(out));
        await file.truncate(written?.end ?? 0);
        if (!written) await file.appendFile(`${JSON.stringify(header)}\n`);
        return new ExportFile(file, out, written ?? { end: 0, counts: {}, after: undefined, resumed: false });
      } catch (error) {
        await file.close();
        throw error;
      }
    });
  }

  async write(lines: readonly string[]): Promise<void> {
    await writing(this.#out, () => this.#file.appendFile(`${lines.join("\n")}\n`));
  }

  /** Gives the complete file its final name. It replaces an older file. */
  async finish(): Promise<void> {
    await writing(this.#out, async () => {
      await this.#file.sync();
      await rename(partOf(this.#out), this.#out);
    });
  }

  /** Deletes the unfinished file. */
  async discard(): Promise<void> {
    await rm(partOf(this.#out), { force: true });
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

interface Written {
  /** The byte after the last complete line. */
  readonly end: number;
  readonly counts: LineCounts;
  readonly after: ExportPosition | undefined;
  readonly resumed: boolean;
}

function partOf(out: string): string {
  return `${out}.part`;
}

/** @returns undefined when there is nothing to continue */
async function readWritten(
  file: FileHandle,
  header: ExportHeader,
  name: string,
): Promise<Written | undefined> {
  const counts: LineCounts = {};
  let found: Partial<ExportHeader> | undefined;
  let end = 0;
  let last: Buffer | undefined;
  for await (const line of readLines(file)) {
    if (!line.complete) break;
    end = line.end;
    if (!found) {
      found = parse(line.bytes);
      if (!found || !isRecent(found, header)) return undefined;
      continue;
    }
    last = line.bytes;
    const [, type = ""] = /^\{"type":"(\w+)"/.exec(last.toString("latin1", 0, 64)) ?? [];
    counts[type] = (counts[type] ?? 0) + 1;
  }
  if (!found) return undefined;
  const { begun_at: _, ...sameAs } = header;
  if (Object.entries(sameAs).some(([field, value]) => found[field as keyof ExportHeader] !== value)) {
    throw new RegularsError(
      "export_mismatch",
      `${name} belongs to another unfinished export. Choose another --out, or start over with --restart.`,
    );
  }
  if (!last) return { end, counts, after: undefined, resumed: true };
  const line = parse(last);
  // The organization's line has no position. A file that ends with it is started over.
  const after = line && positionOf(line);
  return after ? { end, counts, after, resumed: true } : undefined;
}

function isRecent({ begun_at }: Partial<ExportHeader>, header: ExportHeader): boolean {
  return Date.parse(begun_at ?? "") > Date.parse(header.begun_at) - RESUMABLE_MS;
}

function parse(bytes: Buffer): Record<string, unknown> | undefined {
  try {
    return JSON.parse(bytes.toString("utf8")) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** Turns an error of the file system into one that is shown without a stack. */
async function writing<Result>(out: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error) || !("syscall" in error)) throw error;
    throw new RegularsError("file_unwritable", `Cannot write ${out}: ${error.message}`, { cause: error });
  }
}
