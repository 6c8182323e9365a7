import { Command } from "commander";
import { systemClock } from "../clock.js";
import { RegularsError } from "../errors.js";
import { eraseCustomer, isCustomerKnown } from "../inbox/erasures.js";
import { chooseOrganization, print, withDatabase } from "./context.js";
import { customerOption, jsonOption, organizationOption } from "./options.js";
import { Progress } from "./progress.js";

interface Options {
  readonly customer: string;
  readonly organization?: string;
  readonly json?: boolean;
}

const HELP = `
Removes the profile (names, e-mail, phone, birthday, referral code), the notes of bookings, and every text in Square's
stored objects and events that is not an id, a kind, a time or an amount. It covers the ids merged into the customer.
Counts and money stay, so totals do not change. What Square sends later for these ids is stripped before it is stored.

This cannot be undone. It erases nothing at Square: delete the profile there as well. Run "regulars export --customer"
first if the customer wants a copy. The command may be repeated; after an interruption the next sweep completes it.

Examples:
  regulars erase --customer CUST1
  regulars erase --customer CUST1 --organization MLTEST --json`;

export function eraseCommand(): Command {
  return new Command("erase")
    .description("Erase one customer's personal data. Counts and money stay.")
    .addOption(customerOption())
    .addOption(organizationOption())
    .addOption(jsonOption())
    .addHelpText("after", HELP)
    .action(async ({ customer, organization, json }: Options) => {
      await withDatabase(async (database) => {
        const { pool } = database;
        const { id: organization_id } = await chooseOrganization(database, organization);
        if (!(await isCustomerKnown(pool, organization_id, customer))) {
          throw new RegularsError("customer_not_found", "This organization has no such customer.");
        }
        const progress = new Progress("events");
        const erased = await eraseCustomer(
          pool,
          organization_id,
          customer,
          systemClock(),
          "-infinity",
          (read) => progress.update(read),
        );
        progress.end();
        const told = Object.entries(erased).map(([kind, count]) => `${count} ${kind}`);
        print(json, { organization_id, customer_id: customer, erased }, [
          `Erased. Rows that lost texts: ${told.join(", ")}.`,
          "Square still has the profile. Delete it there as well.",
        ]);
      });
    });
}
