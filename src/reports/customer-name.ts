/** A customer's name, else the company's, NULL without one. `a` is the alias of the customer's stored row. */
export const customerName = (a: string) =>
  `nullif(coalesce(nullif(concat_ws(' ', ${a}.given_name, ${a}.family_name), ''), ${a}.company_name), '')`;
