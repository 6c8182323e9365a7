import { afterEach, expect, test, vi } from "vitest";
import { onStopSignal } from "../../src/commands/stop-signal.js";

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test("signals of one second are one wish to stop, as npm passes Ctrl-C on; a later one exits with 1", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  const receivers = new Map<unknown, (signal: string) => void>();
  vi.spyOn(process, "on").mockImplementation((name, receive) => {
    receivers.set(name, receive);
    return process;
  });
  const exit = vi.spyOn(process, "exit").mockReturnValue(undefined as never);
  const stop = vi.fn();
  onStopSignal(stop);
  receivers.get("SIGINT")?.("SIGINT");
  vi.advanceTimersByTime(1_000);
  receivers.get("SIGINT")?.("SIGINT");
  expect(stop.mock.calls).toEqual([["SIGINT"]]);
  expect(exit).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  receivers.get("SIGTERM")?.("SIGTERM");
  expect(exit.mock.calls).toEqual([[1]]);
  expect(stop).toHaveBeenCalledTimes(1);
});
