/** Returns the current time. It is injected everywhere, so tests set the time. */
export type Clock = () => Date;

export const systemClock: Clock = () => new Date();
