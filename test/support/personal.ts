/** Collects values whose keys are about names, contacts, free text or tokens. */
export function collectPersonal(value: unknown, into: Set<string>, key = ""): void {
  if (typeof value === "object" && value !== null) {
    for (const [name, item] of Object.entries(value)) collectPersonal(item, into, name);
  } else if (/name|email|phone|note|birthday|address|token|reason|last_4|receipt/.test(key)) {
    const text = String(value).trim();
    if (text.length > 3 && text !== "true" && text !== "false") into.add(text);
  }
}
