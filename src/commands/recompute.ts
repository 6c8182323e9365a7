import { Command } from "commander";
import { recomputeCustomer } from "../analytics/customer.js";
import { systemClock } from "../clock.js";
import { RegularsError } from "../errors.js";
import { chooseOrganization, print, withDatabase } from "./context.js";
import { customerOption, jsonOption, organizationOption } from "./options.js";

interface Options {
  readonly customer: string;
  readonly organization?: string;
  readonly json?: boolean;
}

const HELP = `
Examples:
  regulars recompute --customer CUSTOMER
  regulars recompute --customer CUSTOMER --organization MLEXAMPLE --json`;

export function recomputeCommand(): Command {
  return new Command("recompute")
    .description("Recompute one customer's row from the stored objects, and show what was different.")
    .addOption(customerOption())
    .addOption(organizationOption())
    .addOption(jsonOption())
    .addHelpText("after", HELP)
    .action(async ({ customer, organization, json }: Options) => {
      await withDatabase(async (database) => {
        const { id } = await chooseOrganization(database, organization);
        const result = await recomputeCustomer(database.pool, id, customer, systemClock());
        if (!result) throw new RegularsError("customer_not_found", "This organization has no such customer.");
        const drift = Object.entries(result.drift).map(
          ([column, { before, after }]) => `${column}: ${JSON.stringify(before)} -> ${JSON.stringify(after)}`,
        );
        print(json, result, drift.length > 0 ? drift : "The row was exact. Nothing was written.");
      });
    });
}
