/**
 * A small seeded random source (sfc32, 128 bits of state). The same seed gives the same numbers on every machine
 * and in every run. It is not for secrets.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seed any number or text; equal seeds give equal sequences */
  constructor(seed: number | string) {
    let hash = 0x811c9dc5;
    for (const char of String(seed)) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
    this.#a = hash;
    this.#b = hash ^ 0x9e3779b9;
    this.#c = hash ^ 0x243f6a88;
    for (let i = 0; i < 16; i++) this.uint32();
  }

  /** A whole number in [0, 2^32). */
  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** A fraction in [0, 1). */
  fraction(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  /** A whole number in [min, max], both included. */
  int(min: number, max: number): number {
    return min + Math.floor(this.fraction() * (max - min + 1));
  }

  /** A number in [min, max). */
  between(min: number, max: number): number {
    return min + this.fraction() * (max - min);
  }

  /** Exponentially distributed waiting time with the given mean; `Infinity` for an infinite mean. */
  wait(mean: number): number {
    return -Math.log(1 - this.fraction()) * mean;
  }

  /** True with the given probability (0 to 1). */
  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** @throws {RangeError} when the list is empty. */
  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError("cannot pick from an empty list");
    return list[this.int(0, list.length - 1)] as T;
  }

  /** Picks a key with a probability proportional to its weight. The weights need not add up to 1. */
  weighted<K extends string>(weights: Readonly<Partial<Record<K, number>>>): K {
    const entries = Object.entries(weights) as [K, number][];
    let rest = this.fraction() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [key, weight] of entries) {
      rest -= weight;
      if (rest < 0) return key;
    }
    throw new RangeError("cannot pick: every weight is zero");
  }

  /** Shuffles in place (Fisher-Yates) and returns the same array. */
  shuffle<T>(list: T[]): T[] {
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.int(0, i);
      [list[i], list[j]] = [list[j] as T, list[i] as T];
    }
    return list;
  }

  /** An opaque id of `length` characters of an alphabet of at most 64. */
  id(length: number, alphabet: string): string {
    let id = "";
    let rest = 0;
    for (let i = 0; i < length; i++) {
      // One draw of 32 bits is enough for five characters.
      rest = (i % 5 === 0 ? this.fraction() : rest) * alphabet.length;
      const index = Math.floor(rest);
      id += alphabet[index];
      rest -= index;
    }
    return id;
  }

  /** A UUID with the version digit 5, like many of Square's event ids. */
  uuid(): string {
    const [a, b, c, d] = [this.#hex(), this.#hex(), this.#hex(), this.#hex()];
    return `${a}-${b.slice(0, 4)}-5${b.slice(5)}-${"89ab"[this.int(0, 3)]}${c.slice(1, 4)}-${c.slice(4)}${d}`;
  }

  #hex(): string {
    const bits = this.uint32();
    return `${hex16[bits >>> 16]}${hex16[bits & 0xffff]}`;
  }
}

const hex16 = Array.from({ length: 0x10000 }, (_, value) => value.toString(16).padStart(4, "0"));
