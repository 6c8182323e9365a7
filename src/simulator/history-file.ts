import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Delivery } from "./deliver.js";

/** One line of a signed-event file: the request body as text, and its signature. */
export interface SignedEventLine {
  readonly event_id: string;
  readonly type: string;
  /** Base64, over the notification URL and exactly the bytes of `body`. */
  readonly signature: string;
  /** The webhook body as text: parsing and writing it again would break the signature. */
  readonly body: string;
}

const CHUNK = 64 * 1024;

/**
 * Writes deliveries as newline-delimited JSON, one `SignedEventLine` each, in their order and in constant memory.
 * An existing file is replaced.
 * @returns bytes written
 * @throws {NodeJS.ErrnoException} when the file cannot be written
 */
export async function writeHistory(path: string, deliveries: Iterable<Delivery>): Promise<number> {
  const file = createWriteStream(path);
  await pipeline(Readable.from(chunks(deliveries), { objectMode: true }), file);
  return file.bytesWritten;
}

function* chunks(deliveries: Iterable<Delivery>): Generator<string, void, undefined> {
  let chunk = "";
  for (const { event, signature, body } of deliveries) {
    const line: SignedEventLine = { event_id: event.event_id, type: event.type, signature, body };
    chunk += `${JSON.stringify(line)}\n`;
    if (chunk.length >= CHUNK) {
      yield chunk;
      chunk = "";
    }
  }
  if (chunk !== "") yield chunk;
}
