/** Walks through a page by keyboard alone, like somebody without a mouse. */
import type { Page } from "playwright-core";

export interface Walk {
  /** How many controls were reached. */
  readonly reached: number;
  /** Visible controls that the Tab key does not reach. */
  readonly missed: readonly string[];
  /** Controls whose focus is not visible: they have no outline, or something covers them. */
  readonly unseen: readonly string[];
}

/** How many times Tab is pressed before the page is asked whether the walk is over. To ask costs more than to press. */
const BURST = 20;

/**
 * Presses Tab until the focus comes back, and compares the reached controls with all controls of the page or of its
 * open dialog. The walk begins after the control that has the focus.
 */
export async function walkWithTab(page: Page): Promise<Walk> {
  await page.evaluate(begin);
  do {
    await Promise.all(Array.from({ length: BURST }, () => page.keyboard.down("Tab")));
  } while (!(await page.evaluate<boolean>("window.walk.isOver")));
  await page.keyboard.up("Tab");
  return page.evaluate<Walk>(compare);
}

// These functions are text, because the tests' compiler knows no document.

/** Each Tab first notes the control that the Tab before it reached. Between the last control and the first the browser itself has the focus. */
const begin = `(() => {
  const walk = { visited: new Set(), unseen: [], last: null, outside: 0, isOver: false };
  let isFirst = true;
  const note = () => {
    if (isFirst) {
      isFirst = false;
      return;
    }
    const element = document.activeElement;
    if (!element || element === document.body) {
      walk.outside += 1;
      walk.isOver ||= walk.outside > 1;
      return;
    }
    // A field for a day has several stops.
    const isLast = element === walk.last;
    walk.last = element;
    if (walk.visited.has(element)) walk.isOver ||= !isLast;
    if (walk.isOver || isLast) return;
    walk.visited.add(element);
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    const { left, top, width, height } = element.getBoundingClientRect();
    const shown = document.elementFromPoint(left + Math.min(width / 2, 20), top + Math.min(height / 2, 20));
    const isCovered = !shown || !(element.contains(shown) || shown.contains(element));
    if (outlineStyle === "none" || parseFloat(outlineWidth) < 2 || isCovered) {
      walk.unseen.push(element.outerHTML.slice(0, 120) + (isCovered ? " is covered" : " has no outline"));
    }
  };
  window.addEventListener("keydown", note, true);
  walk.stop = () => window.removeEventListener("keydown", note, true);
  window.walk = walk;
})()`;

const compare = `(() => {
  const { visited, unseen, stop } = window.walk;
  stop();
  const root = document.querySelector("dialog[open]") ?? document;
  const missed = [...root.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
    .filter((element) => element.checkVisibility({ visibilityProperty: true }))
    .filter((element) => !element.matches(":disabled") && !visited.has(element))
    .map((element) => element.outerHTML.slice(0, 120));
  return { reached: visited.size, missed, unseen };
})()`;
