/** Reads and writes tar archives of the POSIX format ustar, as far as backups need it: files and folders. */
const BLOCK = 512;
/** The name's field. Names in a database's folder are far shorter. */
const LONGEST_NAME = 100;

export interface TarEntry {
  /** Relative, with `/` between its parts. A folder's name ends in `/`. */
  readonly name: string;
  readonly size: number;
}

/** An archive that is not ours, was cut off, or is damaged. The message continues a sentence after the file's name. */
export class DamagedArchive extends Error {}

/** The header that stands before an entry's content. */
export function tarHeader({ name, size }: TarEntry): Buffer {
  if (Buffer.byteLength(name) > LONGEST_NAME) throw new Error(`${name} is too long for an archive`);
  const header = Buffer.alloc(BLOCK);
  const isFolder = name.endsWith("/");
  header.write(name, 0);
  header.write(isFolder ? "0000700\0" : "0000600\0", 100);
  header.write("0000000\0".repeat(2), 108);
  header.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  header.write(`${"0".repeat(11)}\0`, 136);
  header.write(isFolder ? "5" : "0", 156);
  header.write("ustar\x0000", 257);
  header.write(`${checksum(header).toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

/** The zero bytes after a content of this size. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

/** The end of an archive. */
export const TAR_END = Buffer.alloc(2 * BLOCK);

/**
 * Reads an archive entry by entry. Each content must be consumed before the next entry is asked for.
 *
 * @throws DamagedArchive
 */
export async function* tarEntries(
  source: AsyncIterable<Buffer>,
): AsyncGenerator<TarEntry & { content: AsyncGenerator<Buffer> }> {
  const bytes = new ByteReader(source);
  for (;;) {
    const header = await bytes.exactly(BLOCK);
    if (header.every((byte) => byte === 0)) return await bytes.drain();
    const stated = Number.parseInt(header.toString("latin1", 148, 156), 8);
    const unsummed = Buffer.from(header);
    if (stated !== checksum(unsummed)) throw new DamagedArchive("is damaged, or no backup");
    const name = header.toString("utf8", 0, LONGEST_NAME).replace(/\0.*$/s, "");
    const size = Number.parseInt(header.toString("latin1", 124, 136), 8);
    if (!/^(?!.*(^|\/)\.\.?(\/|$))[\w.-][\w./-]*$/.test(name) || !Number.isSafeInteger(size)) {
      throw new DamagedArchive("holds an entry that no backup has");
    }
    yield { name, size, content: bytes.upTo(size) };
    await bytes.exactly(tarPadding(size).length);
  }
}

/** The sum of a header's bytes, with spaces in the place of the sum itself. */
function checksum(header: Buffer): number {
  return header.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 0x20 : byte), 0);
}

class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  async exactly(size: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of this.upTo(size)) parts.push(part);
    return Buffer.concat(parts);
  }

  async *upTo(size: number): AsyncGenerator<Buffer> {
    for (let left = size; left > 0; ) {
      if (this.#rest.length === 0) await this.#more();
      const part = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }

  /** Reads to the end, so that the stream verifies its own checksum. */
  async drain(): Promise<void> {
    while (!(await this.#chunks.next()).done);
  }

  async #more(): Promise<void> {
    const { value, done } = await this.#chunks.next();
    if (done) throw new DamagedArchive("is cut off");
    this.#rest = value;
  }
}
