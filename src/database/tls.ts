import { once } from "node:events";
import net from "node:net";

/** Postgres' SSLRequest message: its length and its code. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
const OFFERED = "S".charCodeAt(0);

/**
 * Whether a Postgres offers to encrypt. False when it does not answer. The connection attempt then reports the error.
 */
export async function offersTls(host: string, port: number, withinMs: number): Promise<boolean> {
  const socket = net.connect({ host, port });
  socket.on("error", () => {});
  try {
    socket.write(SSL_REQUEST);
    const [answer] = await once(socket, "data", { signal: AbortSignal.timeout(withinMs) });
    return answer[0] === OFFERED;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
