import { z } from "zod";
import { optionalName, parseObject, requiredName } from "./fields.js";

/** Columns of `locations`. Square gives a location no version and no time of change: the latest read stands. */
export interface Location {
  readonly square_location_id: string;
  readonly name: string | null;
  /** IANA name. */
  readonly time_zone: string | null;
  readonly currency: string | null;
  readonly status: string;
}

const locationSchema = z.object({
  id: requiredName,
  name: optionalName,
  timezone: optionalName,
  currency: optionalName,
  status: requiredName,
});

/**
 * Reads a location as the API answers it; location events carry none.
 *
 * @throws {InvalidPayload}
 * @see https://developer.squareup.com/reference/square/objects/Location
 */
export function parseLocation(object: unknown): Location {
  const location = parseObject("location", locationSchema, object);
  return {
    square_location_id: location.id,
    name: location.name,
    time_zone: location.timezone,
    currency: location.currency,
    status: location.status,
  };
}
