/** JSON of an answer. A test fails where it does not find what it expects. */
// biome-ignore lint/suspicious/noExplicitAny: `unknown` would need a cast at each access and prove nothing more.
export type AnyJson = any;
