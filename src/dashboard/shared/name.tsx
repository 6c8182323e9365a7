/** What something at Square is called. Without a stored name there are words and its id. */
const NOT_KNOWN = "Name not known";

/** Some answers have the id in place of a name. */
const isName = (id: string, name: string | null | undefined): name is string => Boolean(name) && name !== id;

/** In a text that cannot mute the id. */
export function nameInWords(id: string, name: string | null | undefined): string {
  return isName(id, name) ? name : `${NOT_KNOWN} (${id})`;
}

export function Name({ id, name }: { id: string; name: string | null | undefined }) {
  if (isName(id, name)) return name;
  return (
    <>
      {NOT_KNOWN} <code className="small muted">{id}</code>
    </>
  );
}
