import type { ProfileColumn } from "../column.js";

function text(name: string, description: string): ProfileColumn {
  return { name, type: "text", from: "profile", field: name, description };
}

/** The live profile, cleared when Square clears it; all NULL for a tombstone or a customer never sent to us. */
export const profileColumns: readonly ProfileColumn[] = [
  text("given_name", "Given name."),
  text("family_name", "Family name."),
  text("company_name", "Company name."),
  text("email_address", "E-mail address."),
  text("phone_number", "Phone number."),
  text("birthday", "Birthday as YYYY-MM-DD; year 0000 means that the year is unknown."),
  text("creation_source", "How the profile came to be, in Square's words."),
  {
    name: "customer_created_at",
    type: "timestamptz",
    unit: "UTC instant",
    from: "profile",
    field: "created_at",
    description: "When Square created the profile.",
  },
];
