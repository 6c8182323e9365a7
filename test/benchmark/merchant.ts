import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { encryptAccessToken } from "../../src/organizations/access-token.js";
import { addOrganization } from "../../src/organizations/organizations.js";
import type { OpenSquareApi, SquareApi } from "../../src/square/api/api.js";
import { openSquareApi } from "../../src/square/api/client.js";
import { openScriptContext, pullOnce, TOKEN_KEY } from "../support/square-context.js";
import { withBenchDatabase } from "./bench-database.js";
import { backendsOf, bytesOf, cpuOf } from "./webhooks.js";

const DATABASE = "regulars_bench_merchant";

export interface PullFigures {
  readonly what: string;
  readonly requests: number;
  readonly seconds: number;
  /** Milliseconds of processor time of this process, which pulls, and of its database connections. */
  readonly pullCpu: number;
  readonly databaseCpu: number;
  /** Bytes of write-ahead log, and bytes by which the database's files grow. */
  readonly walBytes: number;
  readonly storedBytes: number;
  readonly detail: string;
}

/** Pulls a salon of two years from a fake Square in a separate process, at the rate of a real pull. */
export async function benchMerchant({ customers }: { customers: number }): Promise<PullFigures[]> {
  const options = ["simulate", "--serve-api", "0", "--customers", `${customers}`, "--json"];
  const square = spawn(process.execPath, ["--import", "tsx", "src/main.ts", ...options], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const [line] = await once(createInterface(square.stdout), "line");
    const { environment, truth } = JSON.parse(line);
    process.stderr.write(`a merchant with ${JSON.stringify(truth)}\n`);
    return await pulls(environment);
  } finally {
    square.kill("SIGTERM");
    await once(square, "exit");
  }
}

function pulls(environment: Readonly<Record<string, string>>): Promise<PullFigures[]> {
  const { SQUARE_BASE_URL: baseUrl = "", SQUARE_MERCHANT_ID: merchantId = "" } = environment;
  return withBenchDatabase(DATABASE, async (database) => {
    const token = encryptAccessToken(TOKEN_KEY, merchantId, environment.SQUARE_ACCESS_TOKEN ?? "");
    const organization = { merchantId, name: "Salon", accessTokenCiphertext: token };
    const { id } = await addOrganization(database, organization, new Date());
    let requests = 0;
    const openApi: OpenSquareApi = (access) =>
      counting(openSquareApi({ ...access, environment: "sandbox", baseUrl }), () => {
        requests += 1;
      });
    const context = { ...openScriptContext(database, baseUrl), openApi };
    const measure = async (what: string, everything = false): Promise<PullFigures> => {
      process.stderr.write(`${what}\n`);
      const read = async () => ({
        pull: cpuOf([process.pid]),
        database: cpuOf(await backendsOf(DATABASE)),
        ...(await bytesOf(DATABASE)),
      });
      const before = await read();
      requests = 0;
      const started = performance.now();
      const { pulled, errors } = await pullOnce({ context }, id, everything);
      const seconds = (performance.now() - started) / 1000;
      if (errors.length > 0) throw new Error(JSON.stringify(errors));
      const after = await read();
      const counts = Object.entries(pulled).filter(([, count]) => count > 0);
      return {
        what,
        requests,
        seconds,
        pullCpu: after.pull - before.pull,
        databaseCpu: after.database - before.database,
        walBytes: after.wal - before.wal,
        storedBytes: after.stored - before.stored,
        detail: counts.map(([kind, count]) => `${count} ${kind}`).join(", "),
      };
    };
    return [
      await measure("the first pull, of everything"),
      await measure("the next pull, nothing new"),
      await measure("a pull of everything, nothing new", true),
    ];
  });
}

/** Every method of the API is one request. */
function counting(api: SquareApi, count: () => void): SquareApi {
  const method =
    (call: (...given: never[]) => unknown) =>
    (...given: never[]) => {
      count();
      return call(...given);
    };
  const methods = Object.entries(api).map(([name, call]) => [name, method(call)]);
  return Object.fromEntries(methods);
}
