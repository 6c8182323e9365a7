/** Stories that once did not converge. Each test is named after the broken promise. */
import { afterAll, expect, test } from "vitest";
import { openTestDatabase } from "../../support/database.js";
import { book, passTime } from "./appointments.js";
import { playStory } from "./converge.js";
import { askSquare, breakDown } from "./house.js";
import { merge, recover, remove, signUp, unmerge } from "./profiles.js";
import { openStage } from "./stage.js";
import { type Command, PLAIN, type Step } from "./world.js";

const stage = await openStage(await openTestDatabase());
afterAll(() => stage.close());

/** Numbers mean live profiles, in the order of their creation. */
const everybody = signUp.having({ many: 2, instant: false });
const outage = breakDown.having({});
const pull = askSquare.having({ lagMinutes: 0, findsNobody: false });
const nobodyFound = askSquare.having({ lagMinutes: 0, findsNobody: true });
const hourPasses = passTime.having({ hours: 1 });
const mergeFirstTwo = merge.having({ one: 0, other: 0, counts: 0, rewrites: false, sourcesFirst: false });
const mergeLastTwo = merge.having({ one: 0, other: 1, counts: 0, rewrites: false, sourcesFirst: false });
const undo = unmerge.having({ nth: 0, survivorEnds: false, counts: 0 });
const bookFor = (who: number) =>
  book.having({ who, place: "L1", days: -0.5, status: "ACCEPTED", segments: ["t1"], online: false });

async function differencesOf(commands: readonly Command[]): Promise<readonly string[]> {
  return differencesOfSteps(commands.map((command) => ({ command, fates: [] })));
}

async function differencesOfSteps(steps: readonly Step[]): Promise<readonly string[]> {
  const story = { steps, square: "lists", waitHours: 1, sweep: "recent" } as const;
  const { lines, differences } = await playStory(stage, story);
  return differences.length > 0 ? lines : [];
}

test("a known profile that is deleted, recovered and merged during an outage belongs to its survivor", async () => {
  const removed = remove.having({ nth: 0, counts: 0 });
  const recovered = recover.having({ nth: 0 });
  const two = signUp.having({ many: 1, instant: false });
  const story = [two, bookFor(0), removed, outage, recovered, mergeFirstTwo];
  expect(await differencesOf(story)).toEqual([]);
});

test("a known merge that is undone and replaced by another during an outage leads to the other survivor", async () => {
  const story = [everybody, bookFor(0), mergeFirstTwo, outage, undo, mergeLastTwo];
  expect(await differencesOf(story)).toEqual([]);
});

test("when the last merge of a chain is undone, a profile leads to the survivor before it, even if only a pull saw the chain", async () => {
  const story = [everybody, bookFor(0), outage, mergeFirstTwo, mergeFirstTwo, hourPasses];
  const undone = [outage, bookFor(2), pull, hourPasses, undo];
  expect(await differencesOf([...story, ...undone])).toEqual([]);
});

test("a profile that two pulls in a row did not find by its id comes back with the same copy", async () => {
  const two = signUp.having({ many: 1, instant: false });
  const story = [two, bookFor(0), hourPasses, nobodyFound, hourPasses, nobodyFound, hourPasses];
  expect(await differencesOf(story)).toEqual([]);
});

test.each([
  ["no event of the first merge", [9, 9, 9]],
  ["only the survivor of the first merge", [0, 9, 9]],
])("a survivor that only a pull found is forgotten with its merge (%s had arrived)", async (_, delays) => {
  const three = signUp.having({ many: 2, instant: false });
  const undone = unmerge.having({ nth: 0, survivorEnds: true, counts: 0 });
  const removed = remove.having({ nth: 1, counts: 0 });
  const story = [three, bookFor(0), mergeFirstTwo, mergeLastTwo, pull, undone, removed];
  const late = delays.map((delay) => ({ ...PLAIN, delay }));
  const steps = story.map((command) => ({ command, fates: command === mergeFirstTwo ? late : [] }));
  expect(await differencesOfSteps(steps)).toEqual([]);
});
