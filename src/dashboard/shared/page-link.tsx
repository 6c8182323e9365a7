import type { ReactNode } from "react";
import { Link } from "wouter";
import { useAddress } from "./address.js";

/** A link to another page of the same seller, whose period and place the other page chooses itself. */
export function PageLink({
  href,
  className,
  children,
}: {
  href: string;
  className?: string;
  children: ReactNode;
}) {
  const organization = useAddress().parameters.get("organization");
  const seller = organization === null ? "" : new URLSearchParams({ organization }).toString();
  const joint = href.includes("?") ? "&" : "?";
  return (
    <Link href={seller === "" ? href : `${href}${joint}${seller}`} className={className}>
      {children}
    </Link>
  );
}
