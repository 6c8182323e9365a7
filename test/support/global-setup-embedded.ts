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

/** Making the embedded database takes seconds and copying it a fraction of one. So it is made once. */
export default async function setUp(project: TestProject) {
  if (!process.env.TEST_DATABASE_URL) {
    console.warn("TEST_DATABASE_URL is not set: the tests run on the embedded database only.");
  }
  const root = await mkdtemp(path.join(await fastestFolder(), "regulars-test-"));
  const template = await openDatabase({ dataDir: path.join(root, "template"), role: "server" });
  await migrate(template);
  await template.close();
  // Opening a database fills its buffers with zeros. The default of 128 MB costs every copy a second.
  await appendFile(path.join(root, "template", "pg", "postgresql.conf"), "shared_buffers = 16MB\n");
  project.provide("embeddedRoot", root);
  return () => rm(root, { recursive: true, force: true });
}

/** Every commit waits for the disk. Memory answers at once, where the machine has a file system of 4 GB there. */
async function fastestFolder(): Promise<string> {
  const memory = "/dev/shm";
  const { bavail, bsize } = await statfs(memory).catch(() => ({ bavail: 0, bsize: 0 }));
  return bavail * bsize >= 4e9 ? memory : tmpdir();
}
