import type { Readable } from "node:stream";
import { Problem } from "./problem.js";

export const MAX_BODY_BYTES = 1024 * 1024;

/** Square's events have a few thousand bytes. */
const LARGE_BYTES = 64 * 1024;

const MOST_LARGE_BODIES = 16;

const FIRST_BYTES = 8 * 1024;

export interface Body {
  readonly bytes: Buffer;
  /** Must be called when the bytes are no longer needed. Until then a large body counts as held. */
  release(): void;
}

/**
 * Reads whole bodies as bytes. A signature can be checked only after its body is read, so anybody can send bodies.
 * Thousands of events may wait for the database. So only 16 large bodies are held at once. Without this limit two
 * thousand waiting events could take gigabytes.
 */
export class BodyReader {
  #large = 0;

  /**
   * @param announced the Content-Length, or NaN; a body that is announced too large is refused without reading it
   * @throws Problem 413 for more than 1 MiB, 503 while too many large bodies are held, 400 when the sender has gone
   */
  read(payload: Readable, announced = Number.NaN): Promise<Body> {
    if (announced > MAX_BODY_BYTES) return Promise.reject(tooLarge());
    return new Promise((resolve, reject) => {
      // Chunks are copied into one buffer. A body may arrive byte by byte, and each kept chunk costs a hundred bytes.
      let bytes: Buffer = Buffer.allocUnsafe(FIRST_BYTES);
      let size = 0;
      let isLarge = false;
      const release = () => {
        if (isLarge) this.#large -= 1;
        isLarge = false;
      };
      const fail = (problem: Problem) => {
        payload.off("data", collect);
        release();
        reject(problem);
      };
      const collect = (chunk: Buffer) => {
        const start = size;
        size += chunk.length;
        if (size > MAX_BODY_BYTES) return fail(tooLarge());
        if (size > LARGE_BYTES && !isLarge) {
          if (this.#large >= MOST_LARGE_BODIES) return fail(tooManyLarge());
          this.#large += 1;
          isLarge = true;
        }
        if (size > bytes.length) bytes = enlarged(bytes, size);
        chunk.copy(bytes, start);
      };
      payload.on("data", collect);
      payload.once("end", () => resolve({ bytes: bytes.subarray(0, size), release }));
      payload.once("error", () => fail(gone()));
    });
  }
}

function enlarged(bytes: Buffer, size: number): Buffer {
  const larger = Buffer.allocUnsafe(Math.min(MAX_BODY_BYTES, Math.max(size, 2 * bytes.length)));
  bytes.copy(larger);
  return larger;
}

function tooLarge(): Problem {
  return new Problem(413, "body_too_large", "The body is larger than 1 MiB.");
}

function tooManyLarge(): Problem {
  return new Problem(503, "queue_full", "Too many large bodies are waiting. Deliver this one again later.", {
    retryAfterSeconds: 2,
  });
}

function gone(): Problem {
  return new Problem(400, "request_aborted", "The request ended before its body did.");
}
