import { z } from "zod";
import { optionalName, parser, requiredName } from "./fields.js";

/** @see https://developer.squareup.com/reference/square/objects/Location */
const locationSchema = z.object({
  id: requiredName,
  name: optionalName,
  /** IANA name. */
  timezone: optionalName,
  currency: optionalName,
  status: requiredName,
});

/** Only the API answers locations; location events carry none. */
export const parseLocation = parser("location", locationSchema);
