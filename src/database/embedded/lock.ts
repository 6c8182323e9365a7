import { createHash, randomUUID } from "node:crypto";
import { linkSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { lives, type ProcessIdentity, thisProcess } from "./process-identity.js";

/*
 * The file `lock` in the folder names the owner's process. A hard link creates it: of several processes only one
 * succeeds, and no process reads a half-written file.
 *
 * A dead owner's lock passes to one successor. The successor links `lock.after-X`, where X stands for the dead owner.
 * Only one process can link that name. It then moves that file over `lock`.
 *
 * After the move the name is free again. A process that has read the old `lock` could link it a second time. So every
 * process reads the line of succession again after linking. If the line has changed, the process withdraws.
 *
 * A successor may be killed before it moves its file. Then `lock.after-Y`, where Y stands for that successor, elects
 * the next one. No step waits for a time to pass. A process that is killed at any step never leaves the folder
 * locked.
 */

/**
 * A process that is killed while it claims the lock leaves files behind. They are harmless and removed after this
 * time.
 */
const LEFTOVER_AFTER_MS = 60_000;

/** How long an owner in another container may take to open its socket before it counts as dead. */
const STARTING_MS = 15_000;

const identity = z.object({
  pid: z.number(),
  started: z.string(),
  boot: z.string(),
  container: z.string(),
}) satisfies z.ZodType<ProcessIdentity>;

/** Is held until it is released or the process ends. */
export interface Lock {
  release(): void;
}

export type Claim = { readonly lock: Lock } | { readonly owner: ProcessIdentity };

/**
 * Takes the folder's lock if no living process holds it.
 *
 * @param ownerAnswers whether a process accepts connections on the folder's socket. It is called only for an owner in
 * another container, because that process is invisible from here.
 * @returns the lock, or the process that holds it (it may be this process)
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

/** The content of `lock`, then of its successor's file, and so on to the last. */
function lineOfSuccession(lock: string): string[] {
  const line: string[] = [];
  for (let next = read(lock); next !== undefined; next = read(successorTo(lock, next))) line.push(next);
  return line;
}

/** The file that elects an owner's successor. */
export function successorTo(lock: string, owner: string): string {
  return `${lock}.after-${createHash("sha256").update(owner).digest("hex").slice(0, 16)}`;
}

/** Undefined for a file without content, as a power cut can leave it. Such a file has no living owner. */
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

/** A file's age in milliseconds. A missing file counts as very old. */
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
