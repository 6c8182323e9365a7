import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { appendFile, chmod, chown, copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";
import { freePort } from "../../support/free-port.js";

const run = promisify(execFile);
const START_WITHIN_MS = 60_000;

/** The folder of Debian and similar systems with the programs of the newest Postgres. */
function programFolder(): string | undefined {
  const root = "/usr/lib/postgresql";
  const versions = existsSync(root) ? readdirSync(root) : [];
  return versions
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => path.join(root, version, "bin"))
    .find((folder) => existsSync(path.join(folder, "initdb")));
}

/** Postgres does not run as root. For root it runs as the user of its package. */
async function postgresUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const line = (await readFile("/etc/passwd", "utf8")).split("\n").find((one) => one.startsWith("postgres:"));
  const [, , uid, gid] = line?.split(":") ?? [];
  return uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

/** Why this machine cannot run a private Postgres. Undefined when it can. */
export async function whyNoCluster(): Promise<string | undefined> {
  if (!programFolder()) return "there is no initdb under /usr/lib/postgresql";
  if (!(await postgresUser())) return "this is root, and there is no user postgres to run as";
  return undefined;
}

/** A private Postgres with its own folder and port. It may crash without harm to others. */
export class PrivateCluster {
  readonly #programs: string;
  readonly #user: { uid: number; gid: number };
  readonly #folder: string;
  readonly port: number;

  private constructor(programs: string, user: { uid: number; gid: number }, folder: string, port: number) {
    this.#programs = programs;
    this.#user = user;
    this.#folder = folder;
    this.port = port;
  }

  /** Creates and starts one. @throws {Error} when `whyNoCluster` has a reason */
  static async make(): Promise<PrivateCluster> {
    const [programs, user] = [programFolder(), await postgresUser()];
    if (!programs || !user) throw new Error(await whyNoCluster());
    const folder = await mkdtemp(path.join(tmpdir(), "regulars-cluster-"));
    await chown(folder, user.uid, user.gid);
    const cluster = new PrivateCluster(programs, user, folder, await freePort());
    await cluster.#run(
      "initdb",
      "-D",
      cluster.#data,
      "-U",
      "postgres",
      "-A",
      "trust",
      "-E",
      "UTF8",
      "--no-sync",
    );
    await cluster.start();
    return cluster;
  }

  /** Creates and starts a streaming replica of this one. */
  async standby(): Promise<PrivateCluster> {
    const folder = await mkdtemp(path.join(tmpdir(), "regulars-standby-"));
    await chown(folder, this.#user.uid, this.#user.gid);
    const standby = new PrivateCluster(this.#programs, this.#user, folder, await freePort());
    const checkpoint = ["--checkpoint=fast", "--no-sync", "-R"];
    await this.#run("pg_basebackup", "-d", this.url, "-D", standby.#data, ...checkpoint);
    await standby.start();
    return standby;
  }

  /** Promotes a standby. */
  async promote(): Promise<void> {
    await this.#run("pg_ctl", "promote", "-w", "-D", this.#data);
  }

  get url(): string {
    return `postgresql://postgres@127.0.0.1:${this.port}/postgres`;
  }

  /** Starts it, also after a crash. Resolves when it accepts connections. */
  async start(): Promise<void> {
    const settings = `-p ${this.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${this.#folder} -c max_connections=60 -c shared_buffers=32MB`;
    const until = performance.now() + START_WITHIN_MS;
    for (;;) {
      try {
        await this.#run("pg_ctl", "start", "-w", "-D", this.#data, "-l", this.#log, "-o", settings);
        return;
      } catch (error) {
        // The remaining processes of a killed server must end first.
        if (performance.now() > until) throw new Error(await readFile(this.#log, "utf8"), { cause: error });
        await wait(100);
      }
    }
  }

  /** Stops without a checkpoint, like a power cut. The next start recovers from the log. */
  async stopImmediately(): Promise<void> {
    await this.#run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", this.#data);
  }

  /**
   * Offers TLS with this certificate and key from the next start on. The certificate is also the authority for
   * clients: the role `certified` needs a client certificate of that name.
   */
  async encrypt(certificate: string, key: string): Promise<void> {
    for (const [file, name] of [
      [certificate, "server.crt"],
      [key, "server.key"],
    ] as const) {
      const own = path.join(this.#data, name);
      await copyFile(file, own);
      await chmod(own, 0o600);
      await chown(own, this.#user.uid, this.#user.gid);
    }
    await appendFile(path.join(this.#data, "postgresql.conf"), "ssl = on\nssl_ca_file = 'server.crt'\n");
    const access = path.join(this.#data, "pg_hba.conf");
    const rules = await readFile(access, "utf8");
    await writeFile(
      access,
      `hostssl all certified 127.0.0.1/32 cert\nhost all certified all reject\n${rules}`,
    );
  }

  /** Starts another program as the cluster's user. */
  spawn(program: string, ...parameters: string[]): ChildProcess {
    return spawn(program, parameters, {
      ...this.#user,
      cwd: this.#folder,
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  get folder(): string {
    return this.#folder;
  }

  /** The process id of Postgres' first process. */
  async pid(): Promise<number> {
    return Number((await readFile(path.join(this.#data, "postmaster.pid"), "utf8")).split("\n")[0]);
  }

  async remove(): Promise<void> {
    await this.stopImmediately().catch(() => {});
    await rm(this.#folder, { recursive: true, force: true });
  }

  get #data(): string {
    return path.join(this.#folder, "data");
  }

  get #log(): string {
    return path.join(this.#folder, "log");
  }

  async #run(program: string, ...parameters: string[]): Promise<void> {
    await run(path.join(this.#programs, program), parameters, {
      ...this.#user,
      cwd: this.#folder,
      env: { PATH: process.env.PATH ?? "", LC_ALL: "C.UTF-8" },
    });
  }
}
