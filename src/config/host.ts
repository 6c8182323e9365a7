import { BlockList, isIPv6 } from "node:net";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** Whether a host name or address is a loopback address. Other machines cannot reach such an address. */
export function isLoopback(host: string): boolean {
  const name = host.trim();
  return name.toLowerCase() === "localhost" || loopback.check(name, isIPv6(name) ? "ipv6" : "ipv4");
}
