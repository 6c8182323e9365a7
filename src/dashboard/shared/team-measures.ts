import type { TeamMember } from "../api/types.js";
import { count, money } from "./format.js";

interface TeamMeasure {
  readonly name: Exclude<keyof TeamMember, "team_member_id" | "name">;
  readonly label: string;
  /** The list of bookings that it counts. */
  readonly bookings: string;
}

/** The columns of the team's table. */
export const teamMeasures: readonly TeamMeasure[] = [
  { name: "visits", label: "Visits", bookings: "visits" },
  { name: "customers", label: "Customers", bookings: "unique_customers" },
  { name: "new_customers", label: "New", bookings: "new_customers" },
  { name: "rebooked_visits", label: "Rebooked", bookings: "rebooked_visits" },
  { name: "no_shows", label: "No-shows", bookings: "no_show_appointments" },
  { name: "late_cancellations", label: "Late cancellations", bookings: "late_cancellations" },
  { name: "booked_minutes", label: "Hours", bookings: "visits" },
  { name: "list_price_cents", label: "List value", bookings: "visits" },
];

/** A team member's number in words. */
export function writeTeamNumber(name: TeamMeasure["name"], member: TeamMember, currency: string): string {
  if (name === "list_price_cents") return money(member.list_price_cents, currency);
  if (name === "booked_minutes") return count(Math.round(Number(member.booked_minutes) / 60));
  return count(member[name]);
}
