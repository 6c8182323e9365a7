/** How long Square waits for an answer. */
const TIMEOUT_MS = 10_000;

/**
 * Sends one webhook over HTTP with Square's headers.
 *
 * @param body the exact text that was signed
 * @param signature base64, header `x-square-hmacsha256-signature`
 * @returns the endpoint's answer, of any status
 * @throws {Error} no answer: the connection is refused or reset, or 10 seconds have passed
 */
export async function postEvent(
  url: string,
  body: string,
  signature: string,
): Promise<{ readonly status: number; readonly body: string }> {
  const answer = await fetch(url, {
    method: "POST",
    body,
    headers: {
      "content-type": "application/json",
      "user-agent": "Square Connect v2",
      "x-square-hmacsha256-signature": signature,
      "square-environment": "Sandbox",
      "square-initial-delivery-timestamp": new Date().toISOString(),
    },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  return { status: answer.status, body: await answer.text() };
}
