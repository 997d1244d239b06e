/**
 * The reference server: warm processes that start a fresh server per case (fresh port, fresh cache folder) in a few
 * milliseconds. A killed process is replaced by a warm one.
 */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { CannotError, type Launcher, TargetError } from "./target.ts";

type Host = {
  process: ChildProcess;
  ask: (message: object) => Promise<{ port?: number }>;
};

/** Longest that a server may take to start, to empty its cache or to stop, in milliseconds. */
const patienceMs = 20_000;

const hostFile = fileURLToPath(new URL("reference-host.ts", import.meta.url));

/** `serverFolder` holds the server's `index.ts`: another folder is a mutant or an older version. */
export function referenceLauncher(serverFolder: string): Launcher {
  const idle: Host[] = [];
  const all = new Set<Host>();
  return {
    launch: async (options) => {
      const host = idle.pop() ?? startHost(serverFolder);
      all.add(host);
      const given = { logLevel: "silent", ...options, host: options.host ?? "127.0.0.1" };
      const { port } = await host.ask({ do: "start", options: given });
      return {
        url: `http://127.0.0.1:${port}`,
        clear: async () => void (await host.ask({ do: "clear" })),
        end: async (kill) => {
          if (!kill) {
            await host.ask({ do: "stop" });
            idle.push(host);
            return;
          }
          host.process.kill("SIGKILL");
          await new Promise((resolve) => host.process.once("exit", resolve));
          all.delete(host);
        },
      };
    },
    end: async () => {
      for (const host of all) host.process.kill("SIGKILL");
    },
  };
}

/** A process that answers each message with one. */
function startHost(serverFolder: string): Host {
  // Without the hooks of whoever runs the harness, such as a test runner's.
  const child = fork(hostFile, [serverFolder], { execArgv: [], stdio: ["ignore", "ignore", "pipe", "ipc"] });
  let complaint = "";
  child.stderr?.on("data", (bytes: Buffer) => {
    complaint = (complaint + bytes.toString("utf8")).slice(-2_000);
  });
  let settle: { resolve: (answer: { port?: number }) => void; reject: (error: Error) => void } | null = null;
  child.on("message", (answer: { port?: number; failed?: string }) => {
    // A refusal, such as of an option, is this case's; a process that ends is everybody's.
    if (answer.failed === undefined) settle?.resolve(answer);
    else settle?.reject(new CannotError(`refuses: ${answer.failed}`));
  });
  const ended = (): TargetError => new TargetError(`the reference server's process ended: ${complaint.trim()}`);
  child.on("close", () => settle?.reject(ended()));
  child.on("error", (error) => settle?.reject(new TargetError(error.message)));
  return {
    process: child,
    ask: (message) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          child.kill("SIGKILL");
          reject(new TargetError(`no answer to ${JSON.stringify(message).slice(0, 80)} for ${patienceMs} ms`));
        }, patienceMs);
        settle = {
          resolve: (answer) => {
            clearTimeout(timer);
            resolve(answer);
          },
          reject: (error) => {
            clearTimeout(timer);
            reject(error);
          },
        };
        if (!child.connected) settle.reject(ended());
        else child.send(message);
      }),
  };
}
