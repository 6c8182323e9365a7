import type { Command } from "commander";

interface ListedCommand {
  readonly name: string;
  /** Its line in the program's help. */
  readonly summary: string;
  /** Loads the command's modules. The program loads only the command that it runs. */
  readonly load: () => Promise<Command>;
}

/** Every command, in the order of the program's help. */
export const commands: readonly ListedCommand[] = [
  {
    name: "serve",
    summary: "run the server",
    load: async () => (await import("./serve.js")).serveCommand(),
  },
  {
    name: "demo",
    summary: "run the server with a simulated salon of two years",
    load: async () => (await import("./demo.js")).demoCommand(),
  },
  {
    name: "doctor",
    summary: "check configuration, database and Square",
    load: async () => (await import("./doctor.js")).doctorCommand(),
  },
  {
    name: "migrate",
    summary: "bring the database's schema up to date",
    load: async () => (await import("./migrate.js")).migrateCommand(),
  },
  {
    name: "org",
    summary: "add and list organizations, one for each Square merchant",
    load: async () => (await import("./org.js")).orgCommand(),
  },
  {
    name: "connect",
    summary: "connect a seller at Square",
    load: async () => (await import("./connect.js")).connectCommand(),
  },
  {
    name: "disconnect",
    summary: "end a seller's permission at Square and erase the tokens",
    load: async () => (await import("./disconnect.js")).disconnectCommand(),
  },
  {
    name: "subscribe",
    summary: "make or repair the webhook subscription at Square, test it, rotate its key",
    load: async () => (await import("./subscribe.js")).subscribeCommand(),
  },
  {
    name: "backfill",
    summary: "read a merchant's whole history from Square",
    load: async () => (await import("./backfill.js")).backfillCommand(),
  },
  {
    name: "reconcile",
    summary: "run one sweep: find what webhooks missed, correct rows",
    load: async () => (await import("./reconcile.js")).reconcileCommand(),
  },
  {
    name: "recompute",
    summary: "recompute one customer's row",
    load: async () => (await import("./recompute.js")).recomputeCommand(),
  },
  {
    name: "refresh",
    summary: "recompute the rows of every organization",
    load: async () => (await import("./refresh.js")).refreshCommand(),
  },
  {
    name: "replay",
    summary: "process stored events again, or those of a file",
    load: async () => (await import("./replay.js")).replayCommand(),
  },
  {
    name: "events",
    summary: "list stored events",
    load: async () => (await import("./events.js")).eventsCommand(),
  },
  {
    name: "sanity-check",
    summary: "compare rows with their recomputation",
    load: async () => (await import("./sanity-check.js")).sanityCheckCommand(),
  },
  {
    name: "export",
    summary: "write an organization or a customer as JSON lines",
    load: async () => (await import("./export.js")).exportCommand(),
  },
  {
    name: "erase",
    summary: "erase one customer's personal data",
    load: async () => (await import("./erase.js")).eraseCommand(),
  },
  {
    name: "backup",
    summary: "copy the embedded database to a file while the server runs",
    load: async () => (await import("./backup.js")).backupCommand(),
  },
  {
    name: "restore",
    summary: "put a backup into an empty DATA_DIR, and check it",
    load: async () => (await import("./backup.js")).restoreCommand(),
  },
  {
    name: "import",
    summary: "store referrals from a CSV",
    load: async () => (await import("./import.js")).importCommand(),
  },
  {
    name: "simulate",
    summary: "write a simulated salon's events, or serve it as Square's API",
    load: async () => (await import("./simulate.js")).simulateCommand(),
  },
];
