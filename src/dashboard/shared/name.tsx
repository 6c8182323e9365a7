/** Stands in for a name that is not stored, beside the id. */
const NOT_KNOWN = "Name not known";

/** Some answers have the id in place of a name. */
const isName = (id: string, name: string | null | undefined): name is string => Boolean(name) && name !== id;

/** What something at Square is called, in a text, which cannot mute the id. */
export function nameInWords(id: string, name: string | null | undefined): string {
  return isName(id, name) ? name : `${NOT_KNOWN} (${id})`;
}

/** What something at Square is called, as a page shows it. */
export function Name({ id, name }: { id: string; name: string | null | undefined }) {
  if (isName(id, name)) return name;
  return (
    <>
      {NOT_KNOWN} <code className="small muted">{id}</code>
    </>
  );
}

/** Where the booking or payment of a row took place. */
export function LocationName({
  of: { location_id: id, location_name: name },
}: {
  of: { readonly location_id: string | null; readonly location_name: string | null };
}) {
  return id === null ? "no location" : <Name id={id} name={name} />;
}
