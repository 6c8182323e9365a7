import { expect, test } from "vitest";
import { Agenda } from "../../src/simulator/agenda.js";
import { Random } from "../../src/simulator/random.js";

test("steps come out in time order, equal instants in the order they were added", () => {
  const agenda = new Agenda<number>();
  const random = new Random(1);
  const done: [number, number][] = [];
  for (let added = 0; added < 2000; added++) {
    const at = random.int(0, 300);
    agenda.add(at, added);
  }
  for (let step = agenda.takeBefore(1000); step; step = agenda.takeBefore(1000))
    done.push([step.at, step.item]);
  expect(done).toHaveLength(2000);
  expect(done).toEqual([...done].sort(([a, m], [b, n]) => a - b || m - n));
});

test("a step at the limit stays for later", () => {
  const agenda = new Agenda<string>();
  agenda.add(10, "later");
  expect(agenda.takeBefore(10)).toBeUndefined();
  expect(agenda.size).toBe(1);
  expect(agenda.takeBefore(11)).toMatchObject({ at: 10, item: "later" });
});
