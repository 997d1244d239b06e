/** `npm start [-- URL… options]`: installs what is missing, then runs the command on Node 24. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { root, setup } from "./setup.mjs";

const child = spawn(setup(), [join(root, "server", "reelcache.mjs"), ...process.argv.slice(2)], { stdio: "inherit" });

// A signal for this process is meant for the server. The server takes a doubled one (Ctrl-C reaches both) as one.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => child.kill(signal));
}

// npm runs this through a shell that dies of SIGTERM without a word to its child: a parent that is gone is that signal.
// Outside of npm a parent may end for good reasons, such as a login shell.
const parent = process.ppid;
if (process.env.npm_lifecycle_event !== undefined) {
  const watch = setInterval(() => {
    if (process.ppid !== parent) {
      clearInterval(watch);
      child.kill("SIGTERM");
    }
  }, 200);
}

child.on("error", (error) => {
  process.stderr.write(`reelcache: Node cannot be started (${error.message})\n`);
  process.exit(1);
});
child.on("exit", (code, signal) => {
  process.exit(code ?? (signal === "SIGKILL" ? 137 : 1));
});
