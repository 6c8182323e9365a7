import { defineConfig, type TestProjectConfiguration } from "vitest/config";

const unit = ["test/**/*.unit.test.ts"];
const benchmark = "test/benchmark/**";
const program = "test/support/global-setup-program.ts";

/** Every test that needs a database runs once per kind, except where its file name says which one it is about. */
function databaseProject(kind: "embedded" | "postgres", otherKind: string): TestProjectConfiguration {
  return {
    extends: true,
    test: {
      name: kind,
      include: ["test/**/*.test.ts"],
      exclude: [...unit, `test/**/*.${otherKind}.test.ts`, benchmark],
      ...(kind === "embedded" && { setupFiles: ["test/support/short-lived-wasm.ts"] }),
      globalSetup: [program, `test/support/global-setup-${kind}.ts`],
    },
  };
}

const withPostgres = Boolean(process.env.TEST_DATABASE_URL);

export default defineConfig({
  test: {
    reporters: ["default", "./test/support/slowest-files.ts"],
    pool: "forks",
    // Loading the program costs a file more than a second: a worker loads it once. No test may leave anything behind.
    isolate: false,
    // Each has a database of its own to feed as well.
    maxWorkers: 3,
    // Generous, for a machine that is busy with something else as well: a test waits for events, never for time.
    // A busy machine has a minute for what a test waits for.
    expect: { poll: { timeout: 60_000 } },
    testTimeout: 180_000,
    hookTimeout: 180_000,
    projects: [
      { extends: true, test: { name: "unit", include: unit, exclude: [benchmark], globalSetup: [program] } },
      databaseProject("embedded", "postgres"),
      ...(withPostgres ? [databaseProject("postgres", "embedded")] : []),
    ],
  },
});
