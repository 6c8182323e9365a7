import type { TeamMember } from "../api/types.js";

interface TeamMeasure {
  readonly name: Exclude<keyof TeamMember, "team_member_id" | "name">;
  readonly label: string;
  readonly definition: string;
}

/** The columns of the team's table. A booking with two members counts for both. */
export const teamMeasures: readonly TeamMeasure[] = [
  { name: "visits", label: "Visits", definition: "Visits of the period with a segment of this team member." },
  { name: "customers", label: "Customers", definition: "Customers of these visits, each counted once." },
  { name: "new_customers", label: "New", definition: "Customers whose first visit ever was one of these." },
  {
    name: "rebooked_visits",
    label: "Rebooked",
    definition: "Visits after which the customer booked again within 24 hours, with whomever.",
  },
  { name: "no_shows", label: "No-shows", definition: "Bookings of the period with status NO_SHOW." },
  {
    name: "late_cancellations",
    label: "Late cancellations",
    definition: "Bookings that the customer cancelled less than 24 hours before their start.",
  },
  { name: "booked_minutes", label: "Hours", definition: "Minutes of this member's segments in the visits." },
  {
    name: "list_price_cents",
    label: "List value",
    definition:
      "The segments at their catalog price. It is not revenue: Square does not tell which payment belongs to which team member.",
  },
];
