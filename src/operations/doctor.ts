import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import type { Clock } from "../clock.js";
import { readEnvFile } from "../config/env-file.js";
import { type Config, type DatabaseConfig, loadConfig } from "../config.js";
import { type Database, openDatabase } from "../database/database.js";
import { holdsCluster } from "../database/embedded/cluster-folder.js";
import { MAX_LAG_SECONDS, Replica } from "../database/replica.js";
import { ConfigurationError, RegularsError } from "../errors.js";
import { silentLog } from "../log.js";
import { decryptAccessToken } from "../organizations/access-token.js";
import type { OpenSquareApi } from "../square/api/api.js";
import type { SubscriptionsApi } from "../square/api/subscriptions.js";
import { checkDatabase } from "./database-checks.js";
import { type Finding, fail, pass, skipped, warning } from "./finding.js";
import { checkSquare, checkWebhooks } from "./square-checks.js";

const MEGABYTE = 1024 * 1024;
const DISK_WARNS_MB = 2_000;
const DISK_FAILS_MB = 200;

export interface DoctorTools {
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  /** Opens the configured Square API. Its calls should not wait long. */
  readonly openApi: (square: Config["square"]) => OpenSquareApi;
  /** Opens the application's subscriptions. Undefined without its access token. */
  readonly openSubscriptions: (square: Config["square"]) => SubscriptionsApi | undefined;
}

/**
 * Checks everything outside the program that must be right: configuration, database, Square. It changes nothing.
 * After a failed check, only the checks that depend on it are skipped.
 */
export async function* doctor({
  env,
  clock,
  openApi,
  openSubscriptions,
}: DoctorTools): AsyncGenerator<Finding> {
  yield* checkEnvFile();
  yield* checkConfiguration(env);
  const config = usableConfig(env);
  const sellers: Seller[] = [];
  let isTokenFound = false;
  if ((env.DATABASE_URL ?? env.DATABASE_URL_FILE)?.trim() && config.database.databaseUrl === undefined) {
    yield skipped("database", "DATABASE_URL cannot be used, so the database is not checked");
  } else {
    for await (const found of databaseFindings(config.database, config.tokenEncryptionKey, clock)) {
      isTokenFound ||= "accessToken" in found || found.check === "token";
      if ("accessToken" in found) sellers.push(found);
      else yield found;
    }
  }
  const { merchantId, accessToken } = config.square;
  const isStored = sellers.some((seller) => seller.merchantId === merchantId);
  if (merchantId && accessToken && !isStored) sellers.push({ merchantId, accessToken });
  if (sellers.length === 0 && !isTokenFound)
    yield skipped("token", "No access token of a seller is stored or configured");
  const open = openApi(config.square);
  for (const seller of sellers) {
    yield* checkSquare(open(seller), seller.merchantId, clock());
  }
  if (config.webhook) yield* checkWebhooks(openSubscriptions(config.square), config.webhook);
}

interface Seller {
  readonly merchantId: string;
  readonly accessToken: string;
}

function* checkEnvFile(): Generator<Finding> {
  if (!existsSync(".env"))
    return yield skipped("env_file", "There is no .env in this folder: variables come from the environment");
  try {
    readEnvFile();
    yield pass("env_file", ".env can be read");
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    for (const problem of error.problems) yield fail("env_file", problem, "correct the file");
  }
}

function* checkConfiguration(env: NodeJS.ProcessEnv): Generator<Finding> {
  const problems = problemsOf(() => loadConfig(env, { require: "serve" }));
  for (const problem of problems) yield fail("configuration", problem, "correct .env or the environment");
  if (problems.length === 0) yield pass("configuration", "Every variable is valid");
}

/** The configuration without the variables that have problems. If the rest is invalid too, the database's only. */
function usableConfig(env: NodeJS.ProcessEnv): Config {
  let rest = { ...env };
  for (const problem of problemsOf(() => loadConfig(env, { require: "serve" }))) {
    const [, name] = /^(\w+?)(?:_FILE)? /.exec(problem) ?? [];
    delete rest[`${name}`];
    delete rest[`${name}_FILE`];
  }
  if (problemsOf(() => loadConfig(rest, { require: "command" })).length > 0) {
    const { DATABASE_URL, DATABASE_URL_FILE, DATA_DIR } = rest;
    rest = { DATABASE_URL, DATABASE_URL_FILE, DATA_DIR };
  }
  return loadConfig(rest, { require: "command" });
}

function problemsOf(load: () => unknown): readonly string[] {
  try {
    load();
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
}

async function* databaseFindings(
  config: DatabaseConfig,
  tokenKey: Buffer | undefined,
  clock: Clock,
): AsyncGenerator<Finding | Seller> {
  const { databaseUrl, dataDir } = config;
  if (databaseUrl === undefined) {
    if (!holdsCluster(dataDir)) {
      return yield skipped(
        "database",
        `There is no embedded database in ${dataDir} yet: serve or migrate creates it`,
      );
    }
    yield await checkDisk(dataDir);
  }
  let database: Database;
  try {
    database = await openDatabase({ ...config, role: "command", poolSize: 2 });
  } catch (error) {
    if (!(error instanceof RegularsError)) throw error;
    return yield fail("database", error.message, "correct DATA_DIR");
  }
  try {
    let isUsable = true;
    for await (const finding of checkDatabase(database, clock)) {
      isUsable &&=
        !(finding.check === "database" || finding.check === "migrations") || finding.status === "pass";
      yield finding;
    }
    if (isUsable && config.readUrl) yield await checkReplica(database, config.readUrl);
    if (isUsable) yield* readSellers(database, tokenKey);
  } finally {
    await database.close();
  }
}

async function checkReplica({ pool }: Database, url: string): Promise<Finding> {
  const replica = await Replica.open({ primary: pool, url, log: silentLog, poolSize: 1 });
  try {
    await replica.check();
    // On a busy primary, the replica reaches the position of the first check by now.
    await replica.check();
    const { problem, lag_seconds } = replica.status;
    if (problem === null)
      return pass("replica", `Reports are read from the replica, ${lag_seconds} s behind`);
    if (lag_seconds === null) return fail("replica", problem, REPLICA_REMEDY);
    return warning("replica", `${problem}; it is ${lag_seconds} s behind`, LAG_REMEDY);
  } finally {
    await replica.stop();
  }
}

const REPLICA_REMEDY =
  "name a streaming replica in DATABASE_READ_URL, or leave it out; until then the primary is read";
const LAG_REMEDY = `look at pg_stat_replication; beyond ${MAX_LAG_SECONDS} s the primary is read`;

async function checkDisk(dataDir: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(dataDir);
  const free = Math.floor((bavail * bsize) / MEGABYTE);
  const message = `${free} MB are free on the disk of DATA_DIR`;
  if (free >= DISK_WARNS_MB) return pass("disk", message);
  return (free < DISK_FAILS_MB ? fail : warning)(
    "disk",
    message,
    "free disk space: with a full disk no webhook can be stored",
  );
}

async function* readSellers({ prisma }: Database, key: Buffer | undefined): AsyncGenerator<Finding | Seller> {
  const organizations = await prisma.organization.findMany({
    where: { accessTokenCiphertext: { not: null } },
    orderBy: { createdAt: "asc" },
  });
  for (const { squareMerchantId: merchantId, status, accessTokenCiphertext } of organizations) {
    if (status !== "active") {
      yield warning(
        "token",
        `The seller ${merchantId} has revoked our access`,
        "ask the seller to authorize the application again",
      );
    } else if (key === undefined) {
      yield fail(
        "token",
        "An access token is stored",
        "set TOKEN_ENCRYPTION_KEY to the key that encrypted it",
      );
    } else {
      try {
        const accessToken = decryptAccessToken(key, merchantId, accessTokenCiphertext ?? new Uint8Array());
        yield { merchantId, accessToken };
      } catch {
        const message = `TOKEN_ENCRYPTION_KEY cannot decrypt the access token of ${merchantId}`;
        yield fail("token", message, "set the key that encrypted it, or store the token again");
      }
    }
  }
}
