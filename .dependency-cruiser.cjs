/**
 * The arrows of the house: which room may import which. Each room names the rooms it may import, and all of them
 * stand below it, so there are no cycles between rooms. Whatever is not named is forbidden, type-only imports included.
 * `npm test` enforces this (test/architecture.unit.test.ts), and docs/architecture.md shows what is really imported.
 */
const path = require("node:path");

/** What every room but `square` may use; among themselves they use `errors`, and `tracing` also `config` and `log`. */
const base = ["tracing", "config", "clock", "log", "errors"];

const rooms = {
  main: ["commands", "database", ...base],
  commands: [
    "app",
    "simulator",
    "operations",
    "sweep",
    "pull",
    "inbox",
    "analytics",
    "organizations",
    "square",
    "database",
    ...base,
  ],
  app: ["http", "operations", "sweep", "inbox", "database", ...base],
  http: ["operations", "sweep", "inbox", "reports", "analytics", "square", "database", ...base],
  dashboard: ["operations", "reports", "analytics"],
  simulator: base,
  operations: [
    "sweep",
    "drift",
    "pull",
    "inbox",
    "handlers",
    "days",
    "analytics",
    "organizations",
    "square",
    "database",
    ...base,
  ],
  sweep: ["drift", "pull", "inbox", "days", "database", ...base],
  drift: ["analytics", "facts", "database", ...base],
  pull: ["inbox", "handlers", "analytics", "organizations", "facts", "square", "database", ...base],
  inbox: ["handlers", "analytics", "organizations", "facts", "square", "database", ...base],
  handlers: ["facts", "square"],
  reports: ["analytics", "database", ...base],
  days: ["analytics", "facts", "database", ...base],
  analytics: ["facts", "database", ...base],
  organizations: ["database", ...base],
  facts: ["square", "database", ...base],
  square: ["errors"],
  database: base,
  tracing: ["config", "log", "errors"],
  config: ["errors"],
  clock: ["errors"],
  log: ["errors"],
  errors: [],
};

const names = Object.keys(rooms);
for (const [room, allowed] of Object.entries(rooms)) {
  for (const other of allowed) {
    if (names.indexOf(other) <= names.indexOf(room))
      throw new Error(`${room} may not import ${other}: it stands above`);
  }
}

/** A room is a folder of src or a file directly in it; `handlers` stands beside src. */
function pathOf(room) {
  return room === "handlers" ? "^handlers/" : `^src/${room}(/|\\.ts$)`;
}

function mayOnlyImport([room, allowed]) {
  return {
    name: `${room}-imports`,
    severity: "error",
    comment: `${room} may import ${allowed.join(", ") || "no other room"}.`,
    from: { path: pathOf(room) },
    to: { path: "^(src|handlers)/", pathNot: [room, ...allowed].map(pathOf) },
  };
}

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: "every-module-has-a-room",
      severity: "error",
      comment: "A new room needs a line in .dependency-cruiser.cjs that says what it may import.",
      from: { path: "^src/", pathNot: names.map(pathOf) },
      to: {},
    },
    ...Object.entries(rooms).map(mayOnlyImport),
    {
      name: "handlers-are-pure",
      severity: "error",
      comment: "Handlers make facts and their order keys; they neither read nor write them.",
      from: { path: "^handlers/" },
      to: { path: "^src/facts/", pathNot: "^src/facts/(types|order-key)\\.ts$" },
    },
    {
      name: "the-dashboard-imports-types-only",
      severity: "error",
      comment: "The dashboard runs in a browser: of the server's code it may import types, nothing else.",
      from: { path: "^src/dashboard/" },
      to: { path: "^(src|handlers)/", pathNot: "^src/dashboard/", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "nothing-imports-tests",
      severity: "error",
      comment: "What runs in production does not import tests, docs or fixtures.",
      from: { path: "^(src|handlers)/" },
      to: { path: "^(test|docs|fixtures)/" },
    },
    {
      name: "no-cycles",
      severity: "error",
      comment: "Modules that import each other are one module, or need a third.",
      from: {},
      to: { circular: true },
    },
    {
      name: "nothing-unresolved",
      severity: "error",
      comment: "An import that leads nowhere.",
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: path.join(__dirname, "tsconfig.json") },
    exclude: "^src/database/generated/",
    doNotFollow: "node_modules",
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default"] },
  },
};
