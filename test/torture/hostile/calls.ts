import type { Random } from "../../../src/simulator/random.js";
import { ADMIN_KEY, CRON_SECRET } from "../runner/server-process.js";
import type { HostileRequest, Target } from "./hostile-request.js";
import { nastyTexts } from "./texts.js";
import { spoil } from "./values.js";

/** What a referral and a reward are put with. */
const bodies = [
  { referral_code: "A", activated_as_referrer: true },
  { referrer_customer_id: "customer 1", referred_customer_id: "x", status: "PAID", reward_cents: 1 },
];

/** Calls of the API, with and without the key, with every kind of id, query and body. */
export function hostileCall(random: Random, { organizationId }: Target): HostileRequest {
  const part = () => {
    const text = random.pick([
      ...nastyTexts,
      organizationId,
      "customer 1",
      "%00",
      "%ff",
      "..",
      "x".repeat(300),
    ]);
    return random.chance(0.1)
      ? text.replaceAll(/[^\x21-\x7e]/g, "")
      : encodeURIComponent(text).slice(0, 6_000);
  };
  const organization = random.chance(0.8) ? organizationId : part();
  const customer = random.chance(0.6) ? encodeURIComponent(`customer ${random.int(0, 20)}`) : part();
  const path = random.pick([
    `/api/organizations/${organization}/customers/${customer}`,
    `/api/organizations/${organization}/customers/${customer}/recompute`,
    `/api/organizations/${organization}/customers?q=${part()}&limit=${part()}&cursor=${part()}&sort=${part()}`,
    `/api/organizations/${organization}/customers?q=${part()}`,
    `/api/organizations/${organization}/customers.csv?segment=${part()}`,
    `/api/organizations/${organization}/customers.csv?q=${part()}`,
    `/api/organizations/${organization}/customers/${customer}/explain/${part()}?before=${part()}`,
    `/api/organizations/${organization}/customers/${customer}/explain/booking_notes?before=${part()}`,
    `/api/columns?${part()}`,
    `/api/organizations/${organization}/kpi?from=${part()}&to=${part()}&location_id=${part()}`,
    `/api/organizations/${organization}/referrals/${customer}`,
    `/api/organizations/${organization}/referral-rewards/${part()}`,
    `/api/organizations/${part()}`,
    `/admin/events?status=${part()}`,
    `/admin/events/${organization}/${part()}/replay`,
    `/admin/jobs/status?${part()}`,
    `/${part()}/${part()}`,
    "/healthz",
  ]);
  const authorization = random.weighted({ right: 6, wrong: 1, none: 1, cron: 1 });
  const keys = {
    right: ADMIN_KEY,
    wrong: random.pick(nastyTexts).replaceAll(/[^\x20-\x7e]/g, ""),
    none: "",
    cron: CRON_SECRET,
  };
  const method = random.weighted({ GET: 5, POST: 3, PUT: 1, DELETE: 1, HEAD: 1 });
  const body = method === "GET" || method === "HEAD" ? undefined : spoil(random.pick(bodies), random, 0.3);
  return {
    trick: `${method} of the API`,
    method,
    path: path.replaceAll(/[^\x21-\x7e]/g, ""),
    headers: {
      authorization: `Bearer ${keys[authorization]}`,
      ...(body !== undefined && {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(body),
      }),
    },
    ...(body !== undefined && { body }),
    mayStore: false,
  };
}
