import { expect, test } from "vitest";
import { Random } from "../../src/simulator/random.js";

test("the same seed gives the same numbers, another seed others", () => {
  const draw = (seed: number | string) => {
    const random = new Random(seed);
    return Array.from({ length: 50 }, () => random.uint32());
  };
  expect(draw(7)).toEqual(draw(7));
  expect(draw("salon")).toEqual(draw("salon"));
  expect(draw(7)).not.toEqual(draw(8));
});

test("whole numbers cover their range evenly, both ends included", () => {
  const random = new Random(1);
  const counts = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < 60_000; i++) {
    const drawn = random.int(0, 5);
    counts[drawn] = (counts[drawn] ?? 0) + 1;
  }
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(600);
});

test("weights decide how often a key is picked, and a zero weight means never", () => {
  const random = new Random(2);
  const counts = { often: 0, seldom: 0, never: 0 };
  for (let i = 0; i < 10_000; i++) counts[random.weighted({ often: 9, seldom: 1, never: 0 })]++;
  expect(counts.never).toBe(0);
  expect(Math.abs(counts.seldom - 1000)).toBeLessThan(200);
});

test("a hundred thousand ids hold no duplicate", () => {
  const random = new Random(3);
  const ids = new Set<string>();
  for (let i = 0; i < 50_000; i++) {
    ids.add(random.id(14, "abcdefghijklmnopqrstuvwxyz0123456789"));
    ids.add(random.uuid());
  }
  expect(ids.size).toBe(100_000);
});

test("event ids have the shape of a UUID", () => {
  const random = new Random(4);
  for (let i = 0; i < 1000; i++) {
    expect(random.uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
});

test("a shuffle keeps every element", () => {
  const list = Array.from({ length: 100 }, (_, i) => i);
  const shuffled = new Random(5).shuffle([...list]);
  expect(shuffled).not.toEqual(list);
  expect(shuffled.sort((a, b) => a - b)).toEqual(list);
});
