/** A target that runs already, such as a phone: nobody starts, stops or empties it. */
import { CannotError, type Target } from "./target.ts";

export function urlTarget(name: string, url: string): Target {
  return {
    name,
    start: async (options) => {
      // Its own options decide what it lets through; a case that needs others cannot be played.
      const needed = Object.keys(options).filter((option) => option !== "allowPrivate");
      if (needed.length > 0) throw new CannotError(`cannot be given options: ${needed.join(", ")}`);
      return {
        url,
        clear: () => Promise.reject(new CannotError("cannot be emptied while it runs")),
        restart: () => Promise.reject(new CannotError("cannot be restarted")),
        stop: async () => undefined,
      };
    },
    end: async () => undefined,
  };
}
