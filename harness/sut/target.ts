/** A target: any proxy that the harness can put a case under. */
import { mkdtemp, rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Case } from "../case/case-types.ts";
import type { OriginPlace } from "../origin/origin-place.ts";

/** One start of a target, for one case. */
export type RunningTarget = {
  /** `http://host:port` */
  readonly url: string;
  /** A player's connection to it, where that is not simply the URL's host and port. */
  dial?: () => Promise<Socket>;
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
  /** Where origins must listen so that it reaches them, when that is not loopback. Rejects as `start`. */
  originPlace?: () => Promise<OriginPlace>;
  /** Why a case proves less on it than it says, null when it proves all. */
  lessProved?: (one: Case) => string | null;
  /** Ends whatever is kept warm. */
  end: () => Promise<void>;
};

/** A proxy that runs. */
export type Instance = {
  /** `http://host:port` */
  url: string;
  clear: () => Promise<void>;
  /** Ends it, with SIGKILL or in order. */
  end: (kill: boolean) => Promise<void>;
};

/** Starts proxies of one kind, with all options given: the port (0: any) and the cache folder among them. */
export type Launcher = {
  launch: (options: Record<string, unknown>) => Promise<Instance>;
  /** Ends whatever runs or is kept warm. */
  end: () => Promise<void>;
};

/** The target could not be started, or has ended. */
export class TargetError extends Error {}

/** This target cannot do what a case asks for; the case fails on it, and may be listed as a known failure. */
export class CannotError extends Error {}

/**
 * A target that launches a proxy for each case, with a cache folder of its own. Of several launchers each restart hands
 * port and cache to the next one: what one proxy wrote, another must serve.
 */
export function launchedTarget(name: string, launchers: Launcher[]): Target {
  return {
    name,
    start: async (options) => {
      const cacheDir = await mkdtemp(join(tmpdir(), "reelcache-case-"));
      const remove = (): Promise<void> => rm(cacheDir, { recursive: true, force: true });
      let starts = 0;
      const launch = async (port: number): Promise<Instance> => {
        const launcher = launchers[starts % launchers.length];
        if (launcher === undefined) throw new TargetError(`${name} has nothing to launch`);
        starts += 1;
        return await launcher.launch({ ...options, cacheDir, port });
      };
      let instance = await launch(0).catch(async (error: unknown) => {
        await remove();
        throw error;
      });
      const { url } = instance;
      return {
        url,
        clear: () => instance.clear(),
        restart: async (kill) => {
          await instance.end(kill);
          instance = await launch(Number(new URL(url).port));
        },
        stop: async () => {
          try {
            await instance.end(false);
          } finally {
            await remove();
          }
        },
      };
    },
    end: async () => {
      for (const launcher of launchers) await launcher.end();
    },
  };
}
