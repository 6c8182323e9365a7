import type { Fact } from "../../../src/facts/types.js";

/** What a fixture means: facts (the columns that matter there), nothing because ignored, or a refusal. */
export type Expectation = readonly ExpectedFact[] | "ignored" | { readonly refused: RegExp };

type ExpectedFact = { readonly [K in Fact["kind"]]?: object };

export type Expectations = Readonly<Record<string, Expectation>>;
