/**
 * Allows access at the fake Square, as the seller does in a browser that opened the link of `regulars connect`.
 *
 * @returns the status with which our server answers
 */
export async function connectSeller(squareUrl: string, link: string, merchantId: string): Promise<number> {
  const start = await fetch(link, { redirect: "manual" });
  const cookie = start.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  const asked = new URL(start.headers.get("location") ?? "");
  const body = new URLSearchParams([
    ...asked.searchParams,
    ["decision", "allow"],
    ["merchant_id", merchantId],
  ]);
  const allowed = await fetch(`${squareUrl}/oauth2/authorize`, { method: "POST", body, redirect: "manual" });
  return (await fetch(allowed.headers.get("location") ?? "", { headers: { cookie } })).status;
}
