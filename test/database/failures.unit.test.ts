import { expect, test } from "vitest";
import { isRetryable, isUnavailable } from "../../src/database/failures.js";
import { DatabaseUnavailable, MigrationFailed } from "../../src/errors.js";

const withCode = (code: string, more: object = {}) => Object.assign(new Error("failed"), { code, ...more });

test.each([
  ["nobody listens", withCode("ECONNREFUSED")],
  ["the connection was reset", withCode("ECONNRESET")],
  ["the name is unknown", withCode("ENOTFOUND")],
  ["every address was tried", new AggregateError([withCode("ECONNREFUSED"), withCode("EHOSTUNREACH")])],
  ["the embedded database's socket is gone", withCode("ENOENT", { syscall: "connect" })],
  ["connection exception", withCode("08006")],
  ["too many connections", withCode("53300")],
  ["a prepared statement is lost", withCode("26000")],
  ["a prepared statement is another", withCode("42P05")],
  ["a table has other columns", withCode("0A000", { routine: "RevalidateCachedQuery" })],
  ["disk full", withCode("53100")],
  ["shut down by its administrator", withCode("57P01")],
  ["starting up", withCode("57P03")],
  ["demoted to read only", withCode("25006")],
  ["the password is being rotated", withCode("28P01")],
  ["a rule keeps us out", withCode("28000")],
  ["the database is being restored", withCode("3D000")],
  ["cut off", new Error("Connection terminated unexpectedly")],
  ["the pool has no connection in time", new Error("timeout exceeded when trying to connect")],
  ["no answer in time", new Error("Query read timeout")],
  ["the pool has been closed", new Error("Cannot use a pool after calling end on the pool")],
  ["Prisma says so", withCode("P1001")],
  [
    "Prisma's adapter says so",
    withCode("P2010", {
      meta: { driverAdapterError: new Error("", { cause: { kind: "ConnectionClosed" } }) },
    }),
  ],
  ["it is our own word for it", new DatabaseUnavailable("down")],
  ["it is the cause of something else", new MigrationFailed("0001", withCode("57P02"))],
])("unavailable, and not a collision: %s", (_, error) => {
  expect([isUnavailable(error), isRetryable(error)]).toEqual([true, false]);
});

test.each([
  ["serialization failure", withCode("40001")],
  ["deadlock", withCode("40P01")],
  ["Prisma's word for both", withCode("P2034")],
])("a collision, worth another attempt: %s", (_, error) => {
  expect([isUnavailable(error), isRetryable(error)]).toEqual([false, true]);
});

test.each([
  ["a duplicate key", withCode("23505")],
  ["a syntax error", withCode("42601")],
  ["a missing file", withCode("ENOENT", { syscall: "open" })],
  ["a feature that is not supported", withCode("0A000")],
  ["a statement that was cancelled", withCode("57014")],
  ["a message that only sounds like it", withCode("XX000", { message: "Connection terminated" })],
  ["no error at all", "ECONNREFUSED"],
  ["nothing", undefined],
])("neither: %s", (_, error) => {
  expect([isUnavailable(error), isRetryable(error)]).toEqual([false, false]);
});
