// What a project file says besides options, which the parser puts below those that were typed.
import type { SharedService } from "../protocol/services.ts";

export interface FromFile {
	readonly path: string;
	/** The name of the hub. */
	readonly name: string | undefined;
	/** Arguments of `share`: `web=3000`. */
	readonly services: readonly string[];
	/** Whether the value of this option is the file's. */
	gives(option: string): boolean;
	/** Tells which file is used, and for what, unless it is for nothing. `services` are those that come from it. */
	announce(services?: readonly SharedService[]): void;
}
