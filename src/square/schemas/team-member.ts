import { z } from "zod";
import { optionalExactInstant, optionalText, parser, requiredName } from "./fields.js";

/** @see https://developer.squareup.com/reference/square/objects/TeamMember */
const teamMemberSchema = z.object({
  id: requiredName,
  given_name: optionalText,
  family_name: optionalText,
  status: requiredName,
  updated_at: optionalExactInstant,
});

export const parseTeamMember = parser("team_member", teamMemberSchema);
