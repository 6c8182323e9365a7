import type { FileHandle } from "node:fs/promises";

const NEWLINE = 0x0a;
const CHUNK_BYTES = 64 * 1024;

/** A line of a file, without its newline. */
export interface Line {
  readonly bytes: Buffer;
  /** Where the next line begins in the file. */
  readonly end: number;
  /** False for a last line without a newline. */
  readonly complete: boolean;
}

/**
 * Reads a file's lines as bytes, one at a time. Node's readline would replace invalid UTF-8, and would end a line at
 * U+2028, which may occur in JSON strings.
 */
export async function* readLines(file: FileHandle): AsyncGenerator<Line> {
  let pending: Buffer[] = [];
  let end = 0;
  const take = (bytes: Buffer, complete: boolean): Line => {
    const line = Buffer.concat([...pending, bytes]);
    pending = [];
    end += line.length + (complete ? 1 : 0);
    return { bytes: line, end, complete };
  };
  for (;;) {
    const { bytesRead, buffer } = await file.read({ buffer: Buffer.allocUnsafe(CHUNK_BYTES) });
    if (bytesRead === 0) break;
    const chunk = buffer.subarray(0, bytesRead);
    let start = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, start)) {
      yield take(chunk.subarray(start, at), true);
      start = at + 1;
    }
    if (start < chunk.length) pending.push(chunk.subarray(start));
  }
  if (pending.length > 0) yield take(Buffer.alloc(0), false);
}
