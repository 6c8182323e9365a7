import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import { systemClock } from "../clock.js";
import type { Database } from "../database/database.js";
import { RegularsError } from "../errors.js";
import { CONNECT_WITHIN_MS, ConnectSeal } from "../operations/connect-link.js";
import { commandConfig, note, print, signalOfStop, withDatabase } from "./context.js";
import { jsonOption } from "./options.js";

const LOOK_EVERY_MS = 1_000;

const HELP = `
While it waits, the address is on standard error.

Examples:
  regulars connect
  regulars connect --no-wait --json`;

export function connectCommand(): Command {
  return new Command("connect")
    .description(
      "Connect a seller at Square. Prints an address to open in a browser, and waits until the seller has allowed access. " +
        "The address works for ten minutes. The server must be running.",
    )
    .option("--no-wait", "print the address and end")
    .addOption(jsonOption())
    .addHelpText("after", HELP)
    .action(async (options: { wait: boolean; json?: boolean }) => {
      await run(options);
    });
}

async function run({ wait, json }: { wait: boolean; json?: boolean }): Promise<void> {
  const { square, tokenEncryptionKey } = commandConfig();
  if (!square.application || !tokenEncryptionKey) {
    throw new RegularsError(
      "not_configured",
      "Set SQUARE_APPLICATION_ID, SQUARE_APPLICATION_SECRET and TOKEN_ENCRYPTION_KEY, for the server too.",
    );
  }
  const since = systemClock();
  const link = new ConnectSeal(tokenEncryptionKey).seal("link", randomBytes(8).toString("hex"), since);
  const url = new URL(`/connect/square?link=${link}`, square.application.redirectUrl).href;
  if (!wait) return print(json, { url }, url);
  const organization = await withDatabase((database) => {
    note("Open this address in a browser. It works for ten minutes:", url);
    return connectedSince(database, since, signalOfStop());
  }, "guest");
  const { id, squareMerchantId: merchant_id, name } = organization;
  print(json, { url, organization_id: id, merchant_id, name }, [
    `${name} (${merchant_id}) is connected. The organization's id is ${id}.`,
    `Next, read the history: regulars backfill --organization ${id}`,
  ]);
}

async function connectedSince({ prisma }: Database, since: Date, stop: AbortSignal) {
  while (systemClock().getTime() < since.getTime() + CONNECT_WITHIN_MS) {
    const where = { authorizedAt: { gte: since }, refreshTokenCiphertext: { not: null } };
    const found = await prisma.organization.findFirst({ where, orderBy: { authorizedAt: "desc" } });
    if (found) return found;
    await sleep(LOOK_EVERY_MS, undefined, { signal: stop }).catch(() => {
      throw new RegularsError("interrupted", "Stopped. The address goes on working until its time is over.");
    });
  }
  throw new RegularsError(
    "not_connected",
    "Nobody allowed access within ten minutes. Run the command again.",
  );
}
