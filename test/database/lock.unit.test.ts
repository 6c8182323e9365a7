import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Claim, claimLock, successorTo } from "../../src/database/embedded/lock.js";
import { type ProcessIdentity, thisProcess } from "../../src/database/embedded/process-identity.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "regulars-lock-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const nobodyAnswers = async () => false;
const somebodyAnswers = async () => true;

test("the lock names its process, and goes when it is released", async () => {
  const lock = held(await claimLock(folder, nobodyAnswers));
  expect(JSON.parse(readFileSync(path.join(folder, "lock"), "utf8"))).toEqual(thisProcess());
  lock.release();
  expect(readdirSync(folder)).toEqual([]);
});

test("a lock whose process lives is not taken, not even by the same process", async () => {
  held(await claimLock(folder, nobodyAnswers));
  expect(await claimLock(folder, nobodyAnswers)).toEqual({ owner: thisProcess() });
});

test("a process id that is in use again does not keep a dead owner's lock", async () => {
  lockedBy({ started: "1" });
  held(await claimLock(folder, somebodyAnswers));
});

test("nor does one of before the machine's restart", async () => {
  lockedBy({ boot: "an earlier one" });
  held(await claimLock(folder, somebodyAnswers));
});

test.runIf(process.platform === "linux")("nor does a killed process that nobody has buried yet", async () => {
  // The shell starts a child and becomes a program that never asks after it.
  const parent = spawn("sh", ["-c", "sleep 0.2 & echo $!; exec sleep 60"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [line] = await once(parent.stdout, "data");
  const pid = Number(String(line));
  const started = statOf(pid)[19] ?? "";
  lockedBy({ pid, started });
  expect(await claimLock(folder, nobodyAnswers)).toMatchObject({ owner: { pid } });

  await expect.poll(() => statOf(pid)[0], { timeout: 5_000 }).toBe("Z");
  held(await claimLock(folder, somebodyAnswers));
  parent.kill();
});

test("an owner in another container holds the lock as long as its socket answers", async () => {
  lockedBy({ container: "another" });
  backdate();
  expect(await claimLock(folder, somebodyAnswers)).toMatchObject({ owner: { container: "another" } });
  held(await claimLock(folder, nobodyAnswers));
});

test("nor is an owner dead whose boot is hidden from one of the two", async () => {
  lockedBy({ boot: "" });
  backdate();
  expect(await claimLock(folder, somebodyAnswers)).toMatchObject({ owner: { boot: "" } });
  held(await claimLock(folder, nobodyAnswers));
});

test("an owner in another container that may still be starting is left alone", async () => {
  lockedBy({ container: "another" });
  expect(await claimLock(folder, nobodyAnswers)).toMatchObject({ owner: { container: "another" } });
});

test("an empty lock, as a power cut may leave it, is nobody's", async () => {
  writeFileSync(path.join(folder, "lock"), "");
  held(await claimLock(folder, nobodyAnswers));
});

test("a successor killed in the middle of taking over is succeeded in turn", async () => {
  const owner = lockedBy({ started: "1" });
  const successor = JSON.stringify(identity({ started: "2" }));
  writeFileSync(successorTo(path.join(folder, "lock"), owner), successor);

  held(await claimLock(folder, nobodyAnswers));
  expect(await claimLock(folder, nobodyAnswers)).toEqual({ owner: thisProcess() });
});

test("while a successor takes over, nobody else does", async () => {
  const owner = lockedBy({ started: "1" });
  writeFileSync(successorTo(path.join(folder, "lock"), owner), JSON.stringify(thisProcess()));
  expect(await claimLock(folder, nobodyAnswers)).toEqual({ owner: thisProcess() });
});

function held(claim: Claim) {
  if ("owner" in claim) throw new Error(`The lock is held by ${JSON.stringify(claim.owner)}`);
  return claim.lock;
}

function identity(changes: Partial<ProcessIdentity>): ProcessIdentity {
  return { ...thisProcess(), ...changes };
}

function lockedBy(changes: Partial<ProcessIdentity>): string {
  const content = JSON.stringify(identity(changes));
  writeFileSync(path.join(folder, "lock"), content);
  return content;
}

function backdate(): void {
  const anHourAgo = Date.now() / 1000 - 3600;
  utimesSync(path.join(folder, "lock"), anHourAgo, anHourAgo);
}

/** The fields of /proc/PID/stat from the process's state on. */
function statOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
}
