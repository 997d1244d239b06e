/** What `--target` may say. */
import { commandTarget } from "./command.ts";
import { referenceTarget } from "./reference.ts";
import type { Target } from "./target.ts";
import { urlTarget } from "./url.ts";

export const targetSyntax = "reference, cmd:COMMAND or http://host:port, with NAME= before it if wanted";

/** The target that is written so, null when nothing is. `serverFolder` holds the reference server. */
export function targetOf(written: string, serverFolder: string): Target | null {
  const [, name = null, rest = ""] = /^(?:([a-z0-9][a-z0-9-]*)=)?(.*)$/s.exec(written) ?? [];
  if (rest === "reference") return { ...referenceTarget(serverFolder), name: name ?? "reference" };
  if (rest.startsWith("cmd:")) {
    const command = rest.slice(4).trim();
    return command === "" ? null : commandTarget(name ?? wordOf(command), command);
  }
  const [, host = null] = /^http:\/\/([^/?#@\s]+)\/?$/.exec(rest) ?? [];
  return host === null ? null : urlTarget(name ?? host.replaceAll(/[^A-Za-z0-9]+/g, "-"), `http://${host}`);
}

function wordOf(command: string): string {
  const word = command.split(/\s/)[0] ?? "";
  return word.slice(word.lastIndexOf("/") + 1);
}
