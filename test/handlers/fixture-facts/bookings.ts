import type { Expectations } from "./expectation.js";

const NILLA = "NILLA4X7M2QWEXAMPLETON01";
const POLLY = "POLLY9V3K8TPLACEHOLDER02";
const DORA = "DORA1H8C4BYDUMMYWELL0004";

const haircut = {
  team_member_id: "TMharborAda001",
  service_variation_id: "SVCUTANDFINISH0000000001",
  duration_minutes: 60,
};
const cutAndColor = [
  { ...haircut, segment_index: 0, duration_minutes: 45 },
  {
    segment_index: 1,
    team_member_id: "TMharborBea002",
    service_variation_id: "SVFULLCOLOR0000000000002",
    duration_minutes: 90,
  },
];

export const bookings: Expectations = {
  "01-booking-created": [
    {
      booking: {
        booking_id: "bkharbor000001",
        version: 0,
        status: "ACCEPTED",
        reported_customer_id: NILLA,
        location_id: "LHARBOR7Q2K9M",
        start_at: "2026-03-05T18:00:00.000000Z",
        created_at: "2026-02-20T18:04:11.000000Z",
        updated_at: "2026-02-20T18:04:11.000000Z",
        duration_minutes: 60,
        customer_note: null,
        seller_note: null,
        creator_type: "CUSTOMER",
        source: "FIRST_PARTY_BUYER",
        segments: [{ ...haircut, segment_index: 0 }],
      },
    },
  ],
  "02-booking-updated-rescheduled": [
    {
      booking: {
        version: 1,
        start_at: "2026-03-07T01:30:00.000000Z",
        customer_note: "Evening suits me better",
      },
    },
  ],
  "03-booking-updated-cancelled-by-customer": [
    { booking: { version: 2, status: "CANCELLED_BY_CUSTOMER", updated_at: "2026-03-06T12:00:00.000000Z" } },
  ],
  "04-booking-created-pending": [
    { booking: { status: "PENDING", duration_minutes: 135, segments: cutAndColor } },
  ],
  "05-booking-updated-accepted": [
    { booking: { version: 1, status: "ACCEPTED", customer_note: null, seller_note: "Patch test done" } },
  ],
  "06-booking-updated-no-show": [{ booking: { version: 2, status: "NO_SHOW", reported_customer_id: POLLY } }],
  "07-booking-updated-declined": [
    { booking: { booking_id: "bksunset000003", status: "DECLINED", location_id: "LSUNSET4W8P3T" } },
  ],
  "08-booking-updated-cancelled-by-seller": [
    {
      booking: {
        version: 3,
        status: "CANCELLED_BY_SELLER",
        creator_type: "TEAM_MEMBER",
        source: "FIRST_PARTY_MERCHANT",
      },
    },
  ],
  "09-booking-updated-unknown-status": [{ booking: { status: "WAITLISTED", source: "VOICE_ASSISTANT" } }],
  "10-booking-updated-version-in-data-id": [{ booking: { booking_id: "bkharbor000006", version: 4 } }],
  "11-booking-created-without-customer": [
    { booking: { booking_id: "bkharbor000007", version: 0, reported_customer_id: null } },
  ],
  "12-booking-updated-moved-to-other-customer": [
    { booking: { booking_id: "bkharbor000007", version: 1, reported_customer_id: DORA } },
  ],
  "13-booking-created-without-zone": [
    {
      booking: {
        start_at: "2026-03-12T17:30:00.000000Z",
        created_at: "2026-03-04T07:08:40.320000Z",
        updated_at: "2026-03-04T07:08:40.320000Z",
      },
    },
  ],
  "14-booking-created-unstorable-text": [
    { booking: { customer_note: "Nul \uFFFD and half a pair \uFFFD, whole 💅" } },
  ],
};
