import { open, readFile } from "node:fs/promises";
import { RegularsError } from "../errors.js";
import { readEnvelope, type SquareEvent } from "../square/envelope.js";
import { readJson } from "../square/read-json.js";
import { verifySignature } from "../square/signature.js";
import type { JsonObject, JsonValue } from "../square/types.js";
import { readLines } from "./lines.js";

/** Types of lines that `regulars export` writes: the first line of a file, and a stored event. */
export const EXPORT_HEADER = "export";
export const EXPORTED_EVENT = "webhook_event";

/** What verifies the signatures in a file of signed events. */
export interface SignedBy {
  readonly signatureKeys: readonly string[];
  readonly notificationUrl: string;
}

/** An event, or why it cannot be read. The problem never quotes the file. */
export type EventOrProblem = { readonly event: SquareEvent } | { readonly problem: string };

/**
 * Reads the events of a file. A `.ndjson` or `.jsonl` file has one event on each line and is read line by line. A
 * `.json` file has one event or an array of events.
 *
 * An event is a plain Square envelope, or a signed one as `simulate` writes it: `{ "signature", "body" }`, where
 * `body` is the exact text that was signed. In a file of `export` only the lines of stored events are read. An event
 * that cannot be read becomes a problem that names its place, and reading continues. So does a whole file.
 *
 * @param signedBy checks the signatures in the file; without it they are not checked
 */
export async function* readEventFile(file: string, signedBy?: SignedBy): AsyncGenerator<EventOrProblem> {
  try {
    yield* /\.(ndjson|jsonl)$/i.test(file) ? readEventLines(file, signedBy) : readWhole(file, signedBy);
  } catch (error) {
    yield { problem: `${file}: ${reasonOf(error)}` };
  }
}

async function* readEventLines(file: string, signedBy: SignedBy | undefined): AsyncGenerator<EventOrProblem> {
  const handle = await open(file);
  try {
    let number = 0;
    let isExport = false;
    for await (const { bytes } of readLines(handle)) {
      number++;
      if (bytes.toString("latin1").trim() === "") continue;
      let value: JsonValue | undefined;
      const item = attempt(`${file}, line ${number}`, () => {
        value = readJson(bytes);
        return toEvent(value, signedBy);
      });
      const type = typeOf(value);
      isExport ||= number === 1 && type === EXPORT_HEADER;
      if (!isExport || value === undefined || type === EXPORTED_EVENT) yield item;
    }
  } finally {
    await handle.close();
  }
}

async function* readWhole(file: string, signedBy: SignedBy | undefined): AsyncGenerator<EventOrProblem> {
  const value = readJson(await readFile(file));
  const items = Array.isArray(value) ? (value as readonly JsonValue[]) : [value];
  for (const [index, item] of items.entries()) {
    yield attempt(`${file}, event ${index + 1}`, () => toEvent(item, signedBy));
  }
}

function typeOf(value: JsonValue | undefined): unknown {
  return (value as { readonly type?: unknown } | null | undefined)?.type;
}

function toEvent(value: JsonValue, signedBy: SignedBy | undefined): SquareEvent {
  if (typeOf(value) === EXPORTED_EVENT) return readEnvelope((value as JsonObject).payload ?? null);
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

function attempt(place: string, read: () => SquareEvent): EventOrProblem {
  try {
    return { event: read() };
  } catch (error) {
    return { problem: `${place}: ${reasonOf(error)}` };
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : "unknown";
}
