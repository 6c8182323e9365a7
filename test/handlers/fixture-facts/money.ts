import type { Expectations } from "./expectation.js";

const NILLA = "NILLA4X7M2QWEXAMPLETON01";
const SAM = "SAM3W6Z9LGSAMPLEMANN0005";
const PAID = "PYHARBOR0000000000000000001ZY";
const CASH = "PYHARBOR0000000000000000002ZY";

export const money: Expectations = {
  "15-payment-created-approved": [
    {
      payment: {
        payment_id: PAID,
        status: "APPROVED",
        reported_customer_id: null,
        location_id: "LHARBOR7Q2K9M",
        order_id: "ORHARBOR0000000000000000001ZY",
        amount_cents: 6500n,
        tip_cents: 0n,
        total_cents: 6500n,
        processing_fee_cents: 0n,
        currency: "USD",
        source_type: "CARD",
        created_at: "2026-03-05T19:05:00.086000Z",
        updated_at: "2026-03-05T19:05:00.198000Z",
      },
    },
  ],
  "16-payment-updated-tip-edited": [
    {
      payment: {
        payment_id: PAID,
        status: "APPROVED",
        reported_customer_id: NILLA,
        amount_cents: 6500n,
        tip_cents: 1300n,
        total_cents: 7800n,
      },
    },
  ],
  "17-payment-updated-completed": [
    { payment: { payment_id: PAID, status: "COMPLETED", total_cents: 7800n, processing_fee_cents: 219n } },
  ],
  "18-payment-updated-refunded": [
    {
      payment: {
        status: "COMPLETED",
        amount_cents: 6500n,
        total_cents: 7800n,
        processing_fee_cents: 161n,
        updated_at: "2026-03-06T10:00:03.497123Z",
      },
    },
  ],
  "19-payment-created-cash": [{ payment: { payment_id: CASH, source_type: "CASH", amount_cents: 4000n } }],
  "20-payment-created-external": [{ payment: { source_type: "EXTERNAL", amount_cents: 12000n } }],
  "21-payment-updated-failed": [{ payment: { status: "FAILED", updated_at: "2026-03-06T19:00:04.750000Z" } }],
  "22-payment-updated-canceled": [{ payment: { status: "CANCELED", location_id: "LSUNSET4W8P3T" } }],
  "23-payment-created-jpy": [
    { payment: { currency: "JPY", amount_cents: 8800n, reported_customer_id: SAM } },
  ],
  "24-payment-created-beyond-2-53": [
    { payment: { amount_cents: 9007199254740993n, tip_cents: 2n, total_cents: 9007199254740995n } },
  ],
  "25-payment-created-without-total": [
    {
      payment: {
        amount_cents: 5500n,
        tip_cents: 500n,
        total_cents: 6000n,
        created_at: "2026-03-07T13:00:00.000000Z",
        updated_at: "2026-03-07T13:00:00.400000Z",
      },
    },
  ],
  "26-refund-created-pending": [
    {
      refund: {
        refund_id: `${PAID}_RF000001`,
        payment_id: PAID,
        status: "PENDING",
        location_id: "LHARBOR7Q2K9M",
        amount_cents: 2000n,
        currency: "USD",
        created_at: "2026-03-06T10:00:00.836000Z",
        updated_at: "2026-03-06T10:00:00.846000Z",
      },
    },
  ],
  "27-refund-updated-completed": [{ refund: { refund_id: `${PAID}_RF000001`, status: "COMPLETED" } }],
  "28-refund-updated-failed": [{ refund: { payment_id: CASH, status: "FAILED", amount_cents: 1000n } }],
  "29-refund-updated-rejected": [{ refund: { payment_id: CASH, status: "REJECTED", amount_cents: 1000n } }],
  "30-refund-created-unlinked": [{ refund: { payment_id: null, status: "COMPLETED", amount_cents: 1500n } }],
};
