import { execFileSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";

/**
 * Identifies a process forever. Process ids are reused, and in a container the server has id 1 after every restart.
 * The start time, the boot and the container make the id unique.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** When the process started, as the kernel reports it. */
  readonly started: string;
  /** The id of the kernel's boot, and the container (pid namespace) within it. */
  readonly boot: string;
  readonly container: string;
}

const NO_PROC = { boot: "", container: "" };

/** The identity of the process this runs in. */
export function thisProcess(): ProcessIdentity {
  return { pid: process.pid, started: startOf(process.pid) ?? "", ...thisWorld() };
}

/**
 * Whether the process is alive. `unknown` for a process in another container, because it is invisible from here, and
 * when only one of the two may read the boot's id (systemd's ProcSubset hides it).
 */
export function lives(identity: ProcessIdentity): boolean | "unknown" {
  const { boot, container } = thisWorld();
  if (identity.boot !== boot) return identity.boot === "" || boot === "" ? "unknown" : false;
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

/** When the process with this id started. Undefined when there is none, or when it is a zombie. */
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
  // "pid (name) state ...": the name may hold anything, so fields count from the last bracket. In proc(5) the state
  // is field 3 and the start time is field 22.
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

/** A zombie has ended, but its parent has not collected it. In a container the parent may never do so. */
function isOver(state: string | undefined): boolean {
  return state === undefined || /^[ZXx]/.test(state);
}
