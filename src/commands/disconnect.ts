import { Command } from "commander";
import { RegularsError } from "../errors.js";
import { disconnect } from "../operations/disconnect.js";
import { chooseOrganization, print, signalOfStop, withDatabase } from "./context.js";
import { jsonOption, organizationOption } from "./options.js";

interface Options {
  readonly organization?: string;
  readonly json?: boolean;
}

const HELP = `
Square is asked to end the permission, and the stored tokens are erased. Nothing more is read from Square, and Square
sends no more of the seller's events. The stored data stays. "regulars connect" takes the seller up again.

A personal access token is only erased here. Replace it in Square's developer console, so that it opens nothing more.

Examples:
  regulars disconnect --organization MLTEST
  regulars disconnect --organization MLTEST --json`;

export function disconnectCommand(): Command {
  return new Command("disconnect")
    .description("Disconnect a seller from Square: end the permission and erase the tokens. The data stays.")
    .addOption(organizationOption())
    .addOption(jsonOption())
    .addHelpText("after", HELP)
    .action(async (options: Options) => {
      await run(options);
    });
}

async function run({ organization, json }: Options): Promise<void> {
  await withDatabase(async (database, { square }) => {
    const { id: organization_id, name, squareMerchantId } = await chooseOrganization(database, organization);
    if (square.accessToken !== undefined && square.merchantId === squareMerchantId) {
      throw new RegularsError(
        "token_configured",
        "Take SQUARE_ACCESS_TOKEN out of the configuration first, for the server too. A server that starts with it " +
          "stores it again.",
      );
    }
    const application = square.application && {
      ...square,
      ...square.application,
      signal: signalOfStop(),
    };
    const { withdrawn } = await disconnect(database, organization_id, application);
    print(json, { organization_id, merchant_id: squareMerchantId, name, withdrawn }, [
      `${name} (${squareMerchantId}) is disconnected, and its tokens are erased.`,
      withdrawn
        ? "Square has ended the permission."
        : "Square was not asked, or had no permission to end. Only Square's console ends a personal access token.",
    ]);
  });
}
