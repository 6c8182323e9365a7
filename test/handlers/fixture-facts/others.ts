import type { Expectations } from "./expectation.js";

export const others: Expectations = {
  "43-team-member-created": [
    {
      team_member: {
        square_team_member_id: "TMharborAda001",
        given_name: "Ada",
        family_name: "Stubbs",
        status: "ACTIVE",
        updated_at: "2025-11-01T09:00:00.100000Z",
      },
    },
  ],
  "44-team-member-updated-inactive": [{ team_member: { status: "INACTIVE" } }],
  "45-location-created": [{ pending_fetch: { object_type: "location", object_id: "LSUNSET4W8P3T" } }],
  "46-location-updated-without-data-id": [
    { pending_fetch: { object_type: "location", object_id: "LHARBOR7Q2K9M" } },
  ],
  "47-catalog-version-updated": [{ pending_fetch: { object_type: "catalog", object_id: "catalog" } }],
  "48-order-created": [{ pending_fetch: { object_type: "order", object_id: "ORHARBOR000000000001" } }],
  "49-order-updated": [{ pending_fetch: { object_type: "order", object_id: "ORHARBOR000000000001" } }],
  "50-order-fulfillment-updated": [
    { pending_fetch: { object_type: "order", object_id: "ORHARBOR000000000002" } },
  ],
  "51-oauth-authorization-revoked": [{ revocation: { revoked_at: "2026-03-20T15:51:00.246373Z" } }],
  "52-test-notification": "ignored",
  "53-unknown-type": "ignored",
  "54-broken-booking": {
    refused: /booking\.start_at: .*booking\.appointment_segments\.0\.duration_minutes: expected an integer/,
  },
  "55-broken-payment-amount": { refused: /^payment\.amount_money\.amount: expected an integer$/ },
  "56-broken-payment-time": { refused: /^payment\.updated_at: expected a timestamp of RFC 3339$/ },
  "57-broken-refund-without-object": { refused: /^refund: / },
  "58-broken-customer-id": { refused: /^customer\.id: / },
  "59-broken-envelope": { refused: /^event\.event_id: / },
};
