import type { FileHandle } from "node:fs/promises";

const NEWLINE = 0x0a;
const CHUNK_BYTES = 64 * 1024;

/** One line's bytes without its end. */
export interface Line {
  readonly bytes: Buffer;
  /** Where the next line begins in the file. */
  readonly end: number;
  /** Only a file's last line can lack its newline. */
  readonly complete: boolean;
}

/**
 * The lines of a file as they are in it, one at a time. Node's own reader decodes UTF-8 and replaces what is none, and takes
 * U+2028, which JSON strings may hold, for the end of a line.
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
