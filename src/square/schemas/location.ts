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

/** A location from the API. Location events carry no location. */
export const parseLocation = parser("location", locationSchema);
