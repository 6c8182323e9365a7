import { createHash, randomUUID } from "node:crypto";
import { linkSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { lives, type ProcessIdentity, thisProcess } from "./process-identity.js";

/*
 * `lock` in the folder names the owner's process. It comes into being whole, by a hard link, so one of several
 * processes makes it, and none reads half of it.
 *
 * A dead owner's lock is taken over by its one successor. `lock.after-X` can be linked once as long as it exists,
 * where X stands for the dead owner, and the one who did moves it over `lock`. Someone who judged by an older `lock`
 * may succeed in linking a name anew that the winner has moved already; so everyone looks again after linking, and
 * who then finds another line of succession than the one judged by gives way. A successor that is killed before it
 * moved its file is in turn succeeded by the name after it. Nothing here waits for time to pass, and no step
 * can be cut off so that the folder stays locked.
 */

/** Files that a process killed within its few milliseconds here leaves behind; they do no harm meanwhile. */
const LEFTOVER_AFTER_MS = 60_000;

/** For this long a process that cannot be seen is given the benefit of the doubt to open its socket. */
const STARTING_MS = 15_000;

const identity = z.object({
  pid: z.number(),
  started: z.string(),
  boot: z.string(),
  container: z.string(),
}) satisfies z.ZodType<ProcessIdentity>;

/** Held until it is released, or the process ends in whatever way. */
export interface Lock {
  release(): void;
}

export type Claim = { readonly lock: Lock } | { readonly owner: ProcessIdentity };

/**
 * Takes the folder's lock if nobody who lives holds it.
 *
 * @param ownerAnswers whether someone accepts connections on the folder's socket: asked only about an owner in
 * another container, where nothing else tells.
 * @returns the lock, or who holds it (which may be this process).
 */
export async function claimLock(folder: string, ownerAnswers: () => Promise<boolean>): Promise<Claim> {
  const lock = path.join(folder, "lock");
  const mine = JSON.stringify(thisProcess());
  const draft = path.join(folder, `lock.${randomUUID()}`);
  writeFileSync(draft, mine, { mode: 0o600 });
  try {
    for (;;) {
      const line = lineOfSuccession(lock);
      const last = line.at(-1);
      const owner = last && parse(last);
      if (owner && (await isAlive(owner, lock, ownerAnswers))) return { owner };

      const place = last === undefined ? lock : successorTo(lock, last);
      if (!linked(draft, place)) continue;
      if (!isDeepStrictEqual(lineOfSuccession(lock), [...line, mine])) {
        rmSync(place, { force: true });
        continue;
      }
      if (place !== lock) renameSync(place, lock);
      removeLeftovers(folder);
      return { lock: { release: () => release(lock, mine) } };
    }
  } finally {
    rmSync(draft, { force: true });
  }
}

/** What `lock` says, what its successor's file says, and so on to the last. */
function lineOfSuccession(lock: string): string[] {
  const line: string[] = [];
  for (let next = read(lock); next !== undefined; next = read(successorTo(lock, next))) line.push(next);
  return line;
}

/** The file by which an owner's successor is elected. */
export function successorTo(lock: string, owner: string): string {
  return `${lock}.after-${createHash("sha256").update(owner).digest("hex").slice(0, 16)}`;
}

/** A file that a power cut left empty names nobody, and so nobody who lives. */
function parse(content: string): ProcessIdentity | undefined {
  try {
    return identity.parse(JSON.parse(content));
  } catch {
    return undefined;
  }
}

async function isAlive(owner: ProcessIdentity, lock: string, ownerAnswers: () => Promise<boolean>) {
  const alive = lives(owner);
  if (alive !== "unknown") return alive;
  return (await ownerAnswers()) || ageOf(lock) < STARTING_MS;
}

function release(lock: string, mine: string): void {
  if (read(lock) === mine) rmSync(lock);
}

function removeLeftovers(folder: string): void {
  for (const name of readdirSync(folder)) {
    const file = path.join(folder, name);
    if (name.startsWith("lock.") && ageOf(file) > LEFTOVER_AFTER_MS) rmSync(file, { force: true });
  }
}

function linked(from: string, to: string): boolean {
  return unless("EEXIST", () => linkSync(from, to) ?? true) ?? false;
}

function read(file: string): string | undefined {
  return unless("ENOENT", () => readFileSync(file, "utf8"));
}

/** In milliseconds; a file that is gone is as old as time. */
function ageOf(file: string): number {
  return Date.now() - (unless("ENOENT", () => statSync(file).mtimeMs) ?? 0);
}

function unless<Result>(code: string, work: () => Result): Result | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === code) return undefined;
    throw error;
  }
}
