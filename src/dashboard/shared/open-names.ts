/** How an address names what is open on its page. */
export const OPEN = "open";

/** The names in `open=a,b` of an address. */
export function openNames(parameters: URLSearchParams): string[] {
  return parameters.get(OPEN)?.split(",").filter(Boolean) ?? [];
}

/** `open=a,b` with a name more or less. Undefined when nothing is open. */
export function withOpen(names: readonly string[], name: string, isOpen: boolean): string | undefined {
  const others = names.filter((each) => each !== name);
  return (isOpen ? [...others, name] : others).join(",") || undefined;
}
