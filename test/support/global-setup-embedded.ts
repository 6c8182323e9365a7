import { appendFile, mkdtemp, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestProject } from "vitest/node";
import { openDatabase } from "../../src/database/database.js";
import { migrate } from "../../src/database/migrate.js";

declare module "vitest" {
  interface ProvidedContext {
    /** Holds a migrated folder `template` and its copies, in which the test files work. */
    embeddedRoot: string;
  }
}

/** Makes one embedded database for all copies. Making it takes seconds, and a copy takes a fraction of one. */
export default async function setUp(project: TestProject) {
  if (!process.env.TEST_DATABASE_URL) {
    console.warn("TEST_DATABASE_URL is not set: the tests run on the embedded database only.");
  }
  const root = await mkdtemp(path.join(await fastestFolder(), "regulars-test-"));
  const template = await openDatabase({ dataDir: path.join(root, "template"), role: "server" });
  await migrate(template);
  await template.close();
  // Postgres fills its buffers with zeros when it opens. With the default of 128 MB each copy would take a second
  // more.
  await appendFile(path.join(root, "template", "pg", "postgresql.conf"), "shared_buffers = 16MB\n");
  project.provide("embeddedRoot", root);
  return () => rm(root, { recursive: true, force: true });
}

/** Every commit waits for the disk. A file system in memory does not wait, if the machine has one with 4 GB. */
async function fastestFolder(): Promise<string> {
  const memory = "/dev/shm";
  const { bavail, bsize } = await statfs(memory).catch(() => ({ bavail: 0, bsize: 0 }));
  return bavail * bsize >= 4e9 ? memory : tmpdir();
}
