import { text } from "node:stream/consumers";
import { Command } from "commander";
import { countProfiles, type RefreshProgress, refreshOrganization } from "../analytics/refresh.js";
import { systemClock } from "../clock.js";
import type { Config } from "../config.js";
import type { Database } from "../database/database.js";
import { RegularsError } from "../errors.js";
import { encryptAccessToken } from "../organizations/access-token.js";
import { addOrganization } from "../organizations/organizations.js";
import { note, print, withDatabase } from "./context.js";
import { jsonOption } from "./options.js";
import { trySyncOrganizationProfile } from "./organization-profile.js";
import { Progress } from "./progress.js";

interface AddOptions {
  readonly merchantId: string;
  readonly name: string;
  readonly currency?: string;
  readonly timeZone?: string;
  readonly accessTokenStdin?: boolean;
  readonly json?: boolean;
}

const HELP = `
Examples:
  regulars org add --merchant-id MLEXAMPLE --name "Example Salon" --currency USD --time-zone America/New_York
  regulars org add --merchant-id MLEXAMPLE --name "Example Salon" --access-token-stdin < token.txt
  regulars org list --json`;

export function orgCommand(): Command {
  const org = new Command("org")
    .description("Add and list organizations. Each Square merchant is one.")
    .addHelpText("after", HELP);
  org
    .command("add")
    .description(
      "Add the organization of a merchant, or change an existing one. Prints its id. A change of currency or time zone " +
        "recomputes all its customers.",
    )
    .requiredOption("--merchant-id <id>", "Square merchant id (required)")
    .requiredOption("--name <name>", "the seller's name (required)")
    .option("--currency <code>", "ISO 4217 code (default for a new organization: USD)")
    .option("--time-zone <name>", "IANA time zone (default for a new organization: America/Los_Angeles)")
    .option("--access-token-stdin", "read a Square access token from standard input and store it encrypted")
    .addOption(jsonOption())
    .addHelpText("after", HELP)
    .action(add);
  org
    .command("list")
    .description("List the organizations.")
    .addOption(jsonOption())
    .addHelpText("after", HELP)
    .action(list);
  return org;
}

async function add({ accessTokenStdin, json, ...given }: AddOptions): Promise<void> {
  await withDatabase(async (database, config) => {
    let accessTokenCiphertext: Buffer | undefined;
    if (accessTokenStdin) {
      if (!config.tokenEncryptionKey) {
        throw new RegularsError(
          "no_encryption_key",
          "Set TOKEN_ENCRYPTION_KEY: access tokens are stored encrypted.",
        );
      }
      const token = (await text(process.stdin)).trim();
      if (token === "") throw new RegularsError("no_access_token", "Standard input holds no access token.");
      accessTokenCiphertext = encryptAccessToken(config.tokenEncryptionKey, given.merchantId, token);
    }
    const organization = { ...given, ...(accessTokenCiphertext && { accessTokenCiphertext }) };
    const { id, created } = await addOrganization(database, organization, systemClock());
    if (accessTokenStdin) await syncProfile(database, config, id, given);
    // Recomputes even if currency and time zone are unchanged, so that the same command completes a killed run.
    if (created || (given.currency === undefined && given.timeZone === undefined)) {
      print(json, { id, created }, id);
      return;
    }
    const { checked, written, deleted } = await recomputeAll(database, id);
    // On standard error, so that standard output holds only the id.
    if (!json) note(`${checked} customers recomputed, ${written + deleted} rows changed.`);
    print(json, { id, created, recomputed: { checked, written, deleted } }, id);
  });
}

/** Takes from Square what was not given. If Square does not answer, this only prints a note. */
async function syncProfile(
  database: Database,
  config: Config,
  organizationId: string,
  { name, currency, timeZone }: Pick<AddOptions, "name" | "currency" | "timeZone">,
): Promise<void> {
  const profile = await trySyncOrganizationProfile(database, config, organizationId, {
    name,
    ...(currency !== undefined && { currency }),
    ...(timeZone !== undefined && { timeZone }),
  });
  if ("code" in profile && profile.code === "wrong_merchant") {
    const data = { accessTokenCiphertext: null };
    await database.prisma.organization.update({ where: { id: organizationId }, data });
    throw new RegularsError(
      profile.code,
      "This access token belongs to another merchant. It was not stored.",
    );
  }
  const lines =
    "failed" in profile
      ? [`The organization's profile could not be read from Square: ${profile.failed}.`]
      : [
          `${profile.locations} location(s), ${profile.currency}, ${profile.timeZone}.`,
          ...profile.missingScopes.map(
            (scope) => `The token lacks ${scope}. Square leaves out the data behind it.`,
          ),
        ];
  note(...lines);
}

/** Every row of the organization depends on its currency and time zone. */
async function recomputeAll(database: Database, organizationId: string): Promise<RefreshProgress> {
  let done: RefreshProgress = { after: "", checked: 0, written: 0, deleted: 0 };
  const progress = new Progress("customers", await countProfiles(database.pool, organizationId));
  for await (done of refreshOrganization(database.pool, organizationId, "full", systemClock)) {
    progress.update(done.checked);
  }
  progress.end();
  return done;
}

async function list({ json }: { json?: boolean }): Promise<void> {
  await withDatabase(async ({ prisma }) => {
    const organizations = await prisma.organization.findMany({ orderBy: { createdAt: "asc" } });
    const rows = organizations.map((organization) => ({
      id: organization.id,
      merchant_id: organization.squareMerchantId,
      name: organization.name,
      currency: organization.currency,
      time_zone: organization.timeZone,
      status: organization.status,
      has_access_token: organization.accessTokenCiphertext !== null,
    }));
    const lines = rows.map(
      (row) =>
        `${row.id}  ${row.merchant_id}  ${row.currency ?? "-"}  ${row.time_zone}  ${row.status}  ${row.name}`,
    );
    print(json, rows, lines.length > 0 ? lines : 'No organization yet. Add one with "org add".');
  });
}
