/** A target: any proxy that the harness can put a case under. */

/** One start of a target, for one case. */
export type RunningTarget = {
  /** `http://host:port` */
  readonly url: string;
  /** Empties the cache while it runs. */
  clear: () => Promise<void>;
  /** Stops and starts it on the same port and cache; `kill` with SIGKILL. */
  restart: (kill: boolean) => Promise<void>;
  stop: () => Promise<void>;
};

/** A kind of target. `start` rejects with a `TargetError` when it cannot be started. */
export type Target = {
  name: string;
  /** `options` are those of the case, with addresses put in. */
  start: (options: Record<string, unknown>) => Promise<RunningTarget>;
  /** Ends whatever is kept warm. */
  end: () => Promise<void>;
};

/** The target could not be started, or has ended. */
export class TargetError extends Error {}

/** This target cannot do what a case asks for; the case fails on it, and may be listed as a known failure. */
export class CannotError extends Error {}
