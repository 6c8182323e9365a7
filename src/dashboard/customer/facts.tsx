import type { Customer } from "../api/types.js";
import { ColumnValue } from "../shared/column-value.js";
import { entryOf, useColumns } from "../shared/columns.js";
import { Figure } from "../shared/figure.js";
import { Fold } from "../shared/fold.js";
import { words } from "../shared/format.js";
import { Card } from "../shared/page.js";
import { NOTHING, type ValueContext } from "../shared/value.js";

const GROUPS: readonly (readonly [title: string, columns: readonly string[]])[] = [
  [
    "Rhythm",
    [
      "total_visits",
      "visit_days",
      "first_visit_at",
      "last_visit_at",
      "avg_days_between_visits",
      "expected_next_visit_at",
      "overdue_at",
      "next_booking_at",
      "upcoming_bookings",
      "visits_last_90d",
      "visits_last_365d",
    ],
  ],
  [
    "Reliability",
    [
      "total_no_shows",
      "no_show_rate",
      "late_cancellations",
      "total_cancelled_by_customer",
      "total_cancelled_by_seller",
      "cancellation_rate",
      "total_pending_bookings",
      "prebooked_visits",
      "rebooking_rate",
      "avg_lead_time_hours",
      "self_booked_bookings",
    ],
  ],
  [
    "Money",
    [
      "total_revenue_cents",
      "total_tips_cents",
      "gross_revenue_cents",
      "total_refunded_cents",
      "net_revenue_cents",
      "avg_ticket_cents",
      "max_ticket_cents",
      "revenue_per_visit_cents",
      "revenue_last_365d_cents",
      "last_payment_cents",
      "tip_rate",
    ],
  ],
  [
    "Preferences",
    [
      "preferred_technician_id",
      "preferred_service_variation_id",
      "preferred_location_id",
      "preferred_weekday",
      "preferred_hour",
      "preferred_payment_source",
      "avg_booking_minutes",
      "distinct_technicians",
      "distinct_services",
    ],
  ],
  ["Referrals", ["is_referrer", "total_referrals", "total_rewards_cents", "referral_source"]],
  [
    "Profile",
    ["email_address", "phone_number", "birthday", "company_name", "customer_created_at", "creation_source"],
  ],
];

const GROUPED = new Set(GROUPS.flatMap(([, columns]) => columns));

export function Facts({ customer, context }: { customer: Customer; context: ValueContext }) {
  const dictionary = useColumns();
  const others = dictionary.data?.columns.map(({ name }) => name).filter((name) => !GROUPED.has(name)) ?? [];
  return (
    <>
      <div className="facts-groups">
        {GROUPS.map(([title, columns]) => (
          <Card key={title}>
            <h2>{title}</h2>
            <FactList customer={customer} columns={columns} context={context} />
          </Card>
        ))}
      </div>
      {others.length > 0 && (
        <Fold name="others" className="card" summary={`The other ${others.length} columns`}>
          <div className="facts-others">
            <FactList customer={customer} columns={others} context={context} />
          </div>
        </Fold>
      )}
    </>
  );
}

function FactList({
  customer,
  columns,
  context,
}: {
  customer: Customer;
  columns: readonly string[];
  context: ValueContext;
}) {
  const dictionary = useColumns();
  return (
    <dl className="facts">
      {columns.map((name) => {
        const value = customer[name];
        return (
          <div key={name}>
            <dt>{words(name.replace(/_(variation_)?id$/, ""))}</dt>
            <dd>
              {value === null || value === undefined ? (
                <span className="muted">{NOTHING}</span>
              ) : (
                <Figure explain={`customer/${customer.square_customer_id}/${name}`}>
                  <ColumnValue
                    column={entryOf(dictionary.data, name)}
                    value={value}
                    context={{ ...context, currency: customer.currency, short: true }}
                  />
                </Figure>
              )}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}
