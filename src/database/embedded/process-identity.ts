import { execFileSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";

/**
 * One process for all time. A process id alone is not enough: it is used again, and in a container the server's is 1
 * after every restart. Together with when it was started, and the boot and container its id belongs to, it is.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** When the process started, in its kernel's own terms. */
  readonly started: string;
  /** The kernel's boot, and the container (pid namespace) within it. */
  readonly boot: string;
  readonly container: string;
}

const NO_PROC = { boot: "", container: "" };

/** The identity of the process this runs in. */
export function thisProcess(): ProcessIdentity {
  return { pid: process.pid, started: startOf(process.pid) ?? "", ...thisWorld() };
}

/** Whether the process lives; `unknown` for one of another container, whose processes cannot be seen from here. */
export function lives(identity: ProcessIdentity): boolean | "unknown" {
  const { boot, container } = thisWorld();
  if (identity.boot !== boot) return false;
  if (identity.container !== container) return "unknown";
  return startOf(identity.pid) === identity.started;
}

function thisWorld(): typeof NO_PROC {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return { boot, container: readlinkSync("/proc/self/ns/pid") };
  } catch {
    return NO_PROC;
  }
}

/** When the process of this id started; undefined when there is none, or only what is left of a killed one. */
function startOf(pid: number): string | undefined {
  return process.platform === "linux" ? startFromProc(pid) : startFromPs(pid);
}

function startFromProc(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // "pid (name) state ...": the name may hold anything, so fields count from the last bracket; proc(5) numbers the
  // state 3 and the start 22.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return isOver(fields[0]) ? undefined : fields[22 - 3];
}

function startFromPs(pid: number): string | undefined {
  try {
    const line = execFileSync("ps", ["-o", "state=,lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
    const [state, ...started] = line.split(/\s+/);
    return isOver(state) ? undefined : started.join(" ");
  } catch {
    return undefined;
  }
}

/** A zombie has ended and waits for its parent to notice, which in a container may be never. */
function isOver(state: string | undefined): boolean {
  return state === undefined || /^[ZXx]/.test(state);
}
