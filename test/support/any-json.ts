/** JSON of an answer, in which a test looks for what it expects: where that is not, the test fails. */
// biome-ignore lint/suspicious/noExplicitAny: an `unknown` would need a cast at every look, and prove no more.
export type AnyJson = any;
