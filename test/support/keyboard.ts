/** Walks through a page by keyboard alone, as somebody without a mouse does. */
import type { Page } from "playwright-core";

export interface Walk {
  /** How many controls were reached. */
  readonly reached: number;
  /** Controls in sight that the Tab key does not reach. */
  readonly missed: readonly string[];
  /** Controls whose focus cannot be seen: without an outline, or hidden behind something. */
  readonly unseen: readonly string[];
}

/**
 * Presses Tab until the focus has been everywhere, and compares with all controls of the page, or of its open dialog. The
 * walk begins after what has the focus.
 */
export async function walkWithTab(page: Page): Promise<Walk> {
  await page.evaluate(`window.walk = { visited: new Set(), unseen: [], last: null, outside: 0 }`);
  for (let step = ""; step !== "end"; ) {
    await page.keyboard.press("Tab");
    step = await page.evaluate<string>(note);
  }
  return page.evaluate<Walk>(compare);
}

// Text, because the tests' compiler knows no document.

/** Notes what has the focus. It is the browser's own between the last control and the first. */
const note = `(() => {
  const { walk } = window;
  const element = document.activeElement;
  if (!element || element === document.body) {
    walk.outside += 1;
    return walk.outside > 1 ? "end" : "outside";
  }
  // A field for a day has several stops.
  const isLast = element === walk.last;
  walk.last = element;
  if (walk.visited.has(element)) return isLast ? "same" : "end";
  walk.visited.add(element);
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  const { left, top, width, height } = element.getBoundingClientRect();
  const shown = document.elementFromPoint(left + Math.min(width / 2, 20), top + Math.min(height / 2, 20));
  const isCovered = !shown || !(element.contains(shown) || shown.contains(element));
  if (outlineStyle === "none" || parseFloat(outlineWidth) < 2 || isCovered) {
    walk.unseen.push(element.outerHTML.slice(0, 120) + (isCovered ? " is covered" : " has no outline"));
  }
  return "new";
})()`;

const compare = `(() => {
  const { visited, unseen } = window.walk;
  const root = document.querySelector("dialog[open]") ?? document;
  const missed = [...root.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
    .filter((element) => element.checkVisibility({ visibilityProperty: true }))
    .filter((element) => !element.matches(":disabled") && !visited.has(element))
    .map((element) => element.outerHTML.slice(0, 120));
  return { reached: visited.size, missed, unseen };
})()`;
