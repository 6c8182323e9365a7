import { defineConfig } from "prisma/config";

// `prisma generate` insists on finding the schema-engine binary although it never runs it, and the binary
// comes from a download that a closed network refuses. Any existing executable satisfies the check. The
// commands that do run it (migrate, db) are left alone.
if (process.argv.includes("generate")) process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath;

export default defineConfig({
  schema: "prisma/schema.prisma",
  migrations: { path: "prisma/migrations" },
  datasource: { url: process.env.DATABASE_URL ?? "postgresql://127.0.0.1:5432/regulars" },
});
