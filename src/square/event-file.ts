import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { RegularsError } from "../errors.js";
import { readEnvelope, type SquareEvent } from "./envelope.js";
import { readJson } from "./read-json.js";
import { verifySignature } from "./signature.js";
import type { JsonValue } from "./types.js";

/** With what the signatures of a file of signed events are checked. */
export interface SignedBy {
  readonly signatureKeys: readonly string[];
  readonly notificationUrl: string;
}

/**
 * Reads the events of a file: `.ndjson` (or `.jsonl`) with one event per line, of which only one line is held at a
 * time, or `.json` with one event or an array of them. An event is a plain Square envelope, or a signed one as
 * `simulate` writes it: `{ "signature", "body" }`, where `body` is the exact text that was signed.
 *
 * @param signedBy checks signatures where the file has them; without it they are not checked
 * @throws {RegularsError} `event_file_unreadable`, naming file and line, never quoting them
 */
export async function* readEventFile(file: string, signedBy?: SignedBy): AsyncGenerator<SquareEvent> {
  if (/\.(ndjson|jsonl)$/i.test(file)) {
    let line = 0;
    const lines = createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });
    for await (const text of lines) {
      line++;
      if (text.trim() === "") continue;
      yield explained(`${file}, line ${line}`, () => toEvent(readJson(Buffer.from(text, "utf8")), signedBy));
    }
    return;
  }
  const bytes = await readFile(file);
  const value = explained(file, () => readJson(bytes));
  const items = Array.isArray(value) ? (value as readonly JsonValue[]) : [value];
  for (const [index, item] of items.entries()) {
    yield explained(`${file}, event ${index + 1}`, () => toEvent(item, signedBy));
  }
}

function toEvent(value: JsonValue, signedBy: SignedBy | undefined): SquareEvent {
  const signed = value as { readonly body?: unknown; readonly signature?: unknown } | null;
  if (typeof signed?.body !== "string") return readEnvelope(value);
  const rawBody = Buffer.from(signed.body, "utf8");
  if (signedBy) {
    const { signatureKeys: keys, notificationUrl } = signedBy;
    const header = typeof signed.signature === "string" ? signed.signature : undefined;
    if (!verifySignature({ header, keys, notificationUrl, rawBody })) {
      throw new RegularsError(
        "invalid_signature",
        "The signature does not match the configured key and URL.",
      );
    }
  }
  return readEnvelope(readJson(rawBody));
}

function explained<Result>(place: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    const reason = error instanceof Error ? error.message : "unknown";
    throw new RegularsError("event_file_unreadable", `${place}: ${reason}`, { cause: error });
  }
}
