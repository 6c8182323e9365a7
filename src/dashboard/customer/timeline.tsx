import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { ask } from "../api/client.js";
import type { Booking, Explanation, History, Money, Payment } from "../api/types.js";
import { useAddress } from "../shared/address.js";
import { money, time, words } from "../shared/format.js";
import { nameInWords } from "../shared/name.js";
import { useValueContext } from "../shared/names.js";
import { useApiPath, useOrganization } from "../shared/organization.js";
import { Empty } from "../shared/states.js";

const SHOWN = 25;

interface Moment {
  readonly key: string;
  readonly at: string;
  readonly kind: string;
  readonly text: string;
  readonly notes: readonly string[];
  readonly tone: "" | "warn" | "muted";
}

/**
 * Bookings, payments and refunds, the latest first, each with its notes. How many are shown lies in the address.
 *
 * @param older reads the page before; undefined on the last one
 * @param isReady whether it may be read unasked: nothing is on its way, and nothing failed
 */
export function Timeline({
  history,
  older,
  isReady,
}: {
  history: History;
  older: (() => unknown) | undefined;
  isReady: boolean;
}) {
  const { parameters, change } = useAddress();
  const shown = Math.max(SHOWN, Math.floor(Number(parameters.get("timeline"))) || 0);
  const { time_zone: timeZone } = useOrganization();
  const { names } = useValueContext();
  const refunds = useRefunds(history);
  const moments = [
    ...history.bookings.map((booking) => bookingMoment(booking, names)),
    ...history.payments.map(paymentMoment),
    ...refunds.map((row) => refundMoment(row, history.customer.currency)),
  ].sort((a, b) => (a.at < b.at ? 1 : -1));
  const isShort = moments.length < shown;
  useEffect(() => {
    if (isShort && isReady) older?.();
  }, [isShort, isReady, older]);
  if (moments.length === 0) return <Empty title="No booking and no payment yet." />;
  const now = new Date().toISOString();
  return (
    <>
      <ol className="timeline">
        {moments.slice(0, shown).map(({ key, at, kind, text, notes, tone }) => (
          <li key={key} className={at > now ? "to-come" : ""}>
            <span className="timeline-time small muted">{time(at, timeZone)}</span>
            <span>
              <span className={tone}>{kind}</span> <span className="muted">{text}</span>
              {notes.map((note) => (
                <q key={note} className="timeline-note small">
                  {note}
                </q>
              ))}
            </span>
          </li>
        ))}
      </ol>
      {(shown < moments.length || older) && (
        <button
          type="button"
          className="button"
          onClick={() =>
            isShort ? older?.() : change({ timeline: String(shown + SHOWN) }, { replace: true })
          }
        >
          Earlier
        </button>
      )}
    </>
  );
}

const BOOKING_WORDS: Readonly<Record<string, readonly [text: string, tone: Moment["tone"]]>> = {
  ACCEPTED: ["Visit", ""],
  PENDING: ["Waits for an answer", ""],
  DECLINED: ["Declined", "muted"],
  CANCELLED_BY_CUSTOMER: ["Cancelled by the customer", "warn"],
  CANCELLED_BY_SELLER: ["Cancelled by the seller", "muted"],
  NO_SHOW: ["No-show", "warn"],
};

/** What Square writes when anyone may do it. */
const ANYONE = "anyTeamMember";

function bookingMoment(booking: Booking, names: ReadonlyMap<string, string>): Moment {
  const [text, tone] = BOOKING_WORDS[booking.status] ?? [words(booking.status), ""];
  const isToCome = booking.status === "ACCEPTED" && Date.parse(booking.start_at) > Date.now();
  const write = (id: string) => nameInWords(id, names.get(id));
  const staff = booking.segments.flatMap(({ team_member_id: id }) => (id && id !== ANYONE ? write(id) : []));
  const parts = [
    `${booking.duration_minutes} min`,
    staff.length > 0 && `with ${[...new Set(staff)].join(", ")}`,
    booking.location_id && `at ${write(booking.location_id)}`,
  ];
  return {
    key: `booking ${booking.booking_id}`,
    at: booking.start_at,
    kind: isToCome ? "Booked" : text,
    text: parts.filter(Boolean).join(" "),
    notes: [booking.customer_note, booking.seller_note].filter((note): note is string =>
      Boolean(note?.trim()),
    ),
    tone,
  };
}

function paymentMoment(payment: Payment): Moment {
  const { payment_id, status, amount_cents, tip_cents, currency, source_type, created_at } = payment;
  const isPaid = status === "COMPLETED";
  const tip = Number(tip_cents) > 0 ? ` + ${money(tip_cents, currency)} tip` : "";
  return {
    key: `payment ${payment_id}`,
    at: created_at,
    kind: `${isPaid ? "Paid" : `Payment ${status.toLowerCase()}`} ${money(amount_cents, currency)}${tip}`,
    text: source_type ? `by ${source_type.toLowerCase()}` : "",
    notes: [],
    tone: isPaid ? "" : "muted",
  };
}

function refundMoment({ id, time: at, value }: Explanation["rows"][number], currency: string): Moment {
  return {
    key: `refund ${id}`,
    at: at ?? "",
    kind: `Refunded ${money(value as Money, currency)}`,
    text: "",
    notes: [],
    tone: "warn",
  };
}

/** The refunds that count, as the explanation of their sum lists them. */
function useRefunds({ customer }: History) {
  const path = useApiPath();
  const url = path(
    `customers/${encodeURIComponent(customer.square_customer_id)}/explain/total_refunded_cents`,
  );
  const query = useQuery({
    queryKey: ["explain refunds", url],
    queryFn: () => ask<Explanation>(url),
    enabled: Number(customer.total_refunds) > 0,
  });
  return query.data?.rows.filter(({ counted }) => counted) ?? [];
}
