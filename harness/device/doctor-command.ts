/** The command `doctor` of the harness: what is there for a run, what is missing, and what to do about it. */
import type { Command } from "commander";
import { isPlaceName } from "../origin/origin-place.ts";
import { UsageError } from "../run/run-command.ts";
import { deviceSyntax, parseDeviceAddress } from "./device-address.ts";
import { examine, type Patient, showChecks } from "./doctor.ts";
import { surroundings } from "./surroundings.ts";

export type DoctorOptions = { target?: string[]; originHost?: string };

/** Adds the command to the program. */
export function addDoctorCommand(program: Command): void {
  program
    .command("doctor")
    .description("check what a run needs: Node, tools, Swift, a phone and the way to it")
    .option("--target <target...>", `reference, bridge, ${deviceSyntax} (default: all, with the only device on USB)`)
    .option("--origin-host <address>", "address of this machine that the phone is to use")
    .action(async (options: DoctorOptions) => {
      process.exitCode = await doctorCommand(options, process.env, process.stdout);
    });
}

/** Checks and prints; 0 when nothing is missing. Throws a `UsageError`. */
export async function doctorCommand(
  options: DoctorOptions,
  environment: Record<string, string | undefined>,
  output: { write: (text: string) => unknown },
): Promise<0 | 1> {
  const patients: Patient[] = [];
  let address = parseDeviceAddress("device");
  for (const written of options.target ?? ["reference", "bridge", "device"]) {
    const device = parseDeviceAddress(written);
    if (device !== null) {
      patients.push("device");
      address = device;
    } else if (written === "reference" || written === "bridge") patients.push(written);
    else throw new UsageError(`--target ${written}: reference, bridge, ${deviceSyntax}`);
  }
  const { originHost = null } = options;
  if (originHost !== null && !isPlaceName(originHost))
    throw new UsageError(`--origin-host ${originHost}: an IPv4 address`);
  if (address === null) throw new UsageError(deviceSyntax);
  const { text, well } = showChecks(await examine(patients, address, surroundings(environment), originHost));
  output.write(text);
  return well ? 0 : 1;
}
