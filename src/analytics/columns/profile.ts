import type { Column } from "../column.js";

/** The live profile, cleared when Square clears it; all NULL for a tombstone or a customer never sent to us. */
export const profileColumns: readonly Column[] = [
  { name: "given_name", type: "text", from: "profile", sql: "given_name", description: "Given name." },
  { name: "family_name", type: "text", from: "profile", sql: "family_name", description: "Family name." },
  { name: "company_name", type: "text", from: "profile", sql: "company_name", description: "Company name." },
  {
    name: "email_address",
    type: "text",
    from: "profile",
    sql: "email_address",
    description: "E-mail address.",
  },
  { name: "phone_number", type: "text", from: "profile", sql: "phone_number", description: "Phone number." },
  {
    name: "birthday",
    type: "text",
    from: "profile",
    sql: "birthday",
    description: "Birthday as YYYY-MM-DD; year 0000 means that the year is unknown.",
  },
  {
    name: "creation_source",
    type: "text",
    from: "profile",
    sql: "creation_source",
    description: "How the profile came to be, in Square's words.",
  },
  {
    name: "customer_created_at",
    type: "timestamptz",
    unit: "UTC instant",
    from: "profile",
    sql: "created_at",
    description: "When Square created the profile.",
  },
];
