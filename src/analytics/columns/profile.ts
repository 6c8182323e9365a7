import type { ProfileColumn } from "../column.js";

function text(name: string, description: string): ProfileColumn {
  return { name, type: "text", from: "profile", field: name, description };
}

/** Fields of the live profile. A field that Square clears becomes NULL. Without a live profile all are NULL. */
export const profileColumns: readonly ProfileColumn[] = [
  text("given_name", "Given name, as in Square's profile."),
  text("family_name", "Family name, as in Square's profile."),
  text("company_name", "Company name, as in Square's profile."),
  text("email_address", "E-mail address, as in Square's profile. NULL once Square clears it."),
  text("phone_number", "Phone number as the seller wrote it. NULL once Square clears it."),
  text("birthday", "Birthday as YYYY-MM-DD. Year 0000 means that the year is unknown."),
  text("creation_source", "How the profile was created: Square's creation_source."),
  {
    name: "customer_created_at",
    type: "timestamptz",
    unit: "UTC instant",
    from: "profile",
    field: "created_at",
    description: "When Square created the profile.",
  },
];
