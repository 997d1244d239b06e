/** What some steps prove less on a device than on this machine. The case is played and judged all the same. */
import type { Case } from "../case/case-types.ts";

const reasons = {
  kill:
    "the app cannot kill itself and come back: a copy of what the disk had is served from, so an end in the middle of a " +
    "write, or of the system, is not proved",
  halfClose:
    "USB forwards no half-closed connection: the phone sees a reset instead of the end of what the player says",
};

/** Why a case proves less, null when it proves all that it says. */
export function lessProved(one: Case, byUsb: boolean): string | null {
  if (one.steps.some((step) => step.do === "restart" && step.kill === true)) return reasons.kill;
  return byUsb && one.steps.some((step) => step.do === "half-close") ? reasons.halfClose : null;
}
