import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { RegularsError } from "../errors.js";
import { readLines } from "../inbox/lines.js";
import { type ExportHeader, type ExportPosition, positionOf } from "./export.js";

/** What an older run has written may be out of date again by now. */
const RESUMABLE_MS = 24 * 3600 * 1000;

/** How many lines of each type are in an export. */
export type LineCounts = Record<string, number>;

/**
 * The file of an export while it is written, under its name with `.part`. It needs no record of how far it is: the last
 * complete line says so. What a kill cut off behind it goes.
 */
export class ExportFile {
  readonly #file: FileHandle;
  readonly #out: string;
  /** What an earlier run has written. */
  readonly counts: LineCounts;
  /** The last object of it; undefined when there is none yet. */
  readonly after: ExportPosition | undefined;
  /** Whether it goes on with an earlier run's. */
  readonly resumed: boolean;

  private constructor(file: FileHandle, out: string, { counts, after, resumed }: Written) {
    this.#file = file;
    this.#out = out;
    this.counts = counts;
    this.after = after;
    this.resumed = resumed;
  }

  /**
   * Goes on with a run of the same export that was cut off within the last day; else begins one.
   *
   * @param restart begins anew in any case
   * @throws {RegularsError} `file_unwritable`; `export_mismatch` when the remains are of another export
   */
  static async open(out: string, header: ExportHeader, restart: boolean): Promise<ExportFile> {
    return writing(out, async () => {
      const existing = await stat(out).catch(() => undefined);
      if (existing && !existing.isFile()) {
        throw new RegularsError("file_unwritable", `Cannot write ${out}: it is no regular file.`);
      }
      // Personal data: for its owner only.
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

  /** The export is whole: it gets its name, in place of an older file. */
  async finish(): Promise<void> {
    await writing(this.#out, async () => {
      await this.#file.sync();
      await rename(partOf(this.#out), this.#out);
    });
  }

  /** Nothing of it is kept. */
  async discard(): Promise<void> {
    await rm(partOf(this.#out), { force: true });
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

interface Written {
  /** Where its last complete line ends. */
  readonly end: number;
  readonly counts: LineCounts;
  readonly after: ExportPosition | undefined;
  readonly resumed: boolean;
}

function partOf(out: string): string {
  return `${out}.part`;
}

/** @returns undefined when there is nothing to go on with */
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
      `${name} is what a cut-off export of something else has left: choose another --out, or begin anew with --restart.`,
    );
  }
  if (!last) return { end, counts, after: undefined, resumed: true };
  const line = parse(last);
  // The organization's line comes first and has no place of its own.
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

/** What the file system says is the caller's to mend, and told without a stack. */
async function writing<Result>(out: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error) || !("syscall" in error)) throw error;
    throw new RegularsError("file_unwritable", `Cannot write ${out}: ${error.message}`, { cause: error });
  }
}
