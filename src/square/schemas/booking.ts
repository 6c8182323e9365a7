import { z } from "zod";
import {
  count,
  optionalName,
  optionalText,
  parser,
  requiredExactInstant,
  requiredInstant,
  requiredName,
} from "./fields.js";

const segmentSchema = z.object({
  team_member_id: optionalName,
  service_variation_id: optionalName,
  duration_minutes: count.nullish(),
});

/** @see https://developer.squareup.com/reference/square/objects/Booking */
const bookingSchema = z.object({
  id: requiredName,
  version: count.nullish(),
  status: requiredName,
  customer_id: optionalName,
  location_id: optionalName,
  start_at: requiredInstant,
  created_at: requiredInstant,
  updated_at: requiredExactInstant,
  customer_note: optionalText,
  seller_note: optionalText,
  creator_details: z.object({ creator_type: optionalName }).nullish(),
  source: optionalName,
  appointment_segments: z.array(segmentSchema).nullish(),
});

export const parseBooking = parser("booking", bookingSchema);
