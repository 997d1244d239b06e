/** What the way to a phone depends on beside its address. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Surroundings } from "./phone.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** The environment and the version of this checkout, which the app on the phone must have too. */
export function surroundings(environment: Record<string, string | undefined>): Surroundings {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  return { environment, version };
}
