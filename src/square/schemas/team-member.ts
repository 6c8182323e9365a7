import { z } from "zod";
import { orderKey } from "../order-key.js";
import type { JsonObject, TeamMember } from "../types.js";
import { optionalInstant, optionalText, parseObject, requiredName } from "./fields.js";

const teamMemberSchema = z.object({
  id: requiredName,
  given_name: optionalText,
  family_name: optionalText,
  status: requiredName,
  updated_at: optionalInstant,
});

/**
 * Reads a team member in wire shape, from a webhook or the API.
 *
 * @throws {InvalidPayload}
 * @see https://developer.squareup.com/reference/square/objects/TeamMember
 */
export function parseTeamMember(object: unknown): TeamMember {
  const member = parseObject("team_member", teamMemberSchema, object);
  return {
    square_team_member_id: member.id,
    given_name: member.given_name,
    family_name: member.family_name,
    status: member.status,
    updated_at: member.updated_at,
    order_key: orderKey({
      updatedAt: member.updated_at,
      terminal: false,
      refundedAmount: 0n,
      object: object as JsonObject,
    }),
  };
}
