import type { Column } from "../column.js";
import { bookingColumns } from "./bookings.js";
import { paymentColumns } from "./payments.js";
import { preferenceColumns } from "./preferences.js";
import { profileColumns } from "./profile.js";
import { segmentAndReferralColumns } from "./segments-and-referrals.js";
import { visitColumns } from "./visits.js";

/**
 * Every value column of `customer_analytics`, in the order of the API and the CSV header. The key columns come
 * first. The bookkeeping columns (created_at, updated_at, computed_at, refresh_due_at, definition_version) come
 * last.
 */
export const columns: readonly Column[] = [
  ...profileColumns,
  ...bookingColumns,
  ...visitColumns,
  ...preferenceColumns,
  ...paymentColumns,
  ...segmentAndReferralColumns,
];
