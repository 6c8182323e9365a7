/** JSON of an answer. A test fails if a value that it expects is missing. */
// biome-ignore lint/suspicious/noExplicitAny: `unknown` would need a cast at each access and prove nothing more.
export type AnyJson = any;
