// The program's name and version. The version is defined in package.json only; the bundler inlines it.
import manifest from "../../package.json" with { type: "json" };

export const PROGRAM = "hivemind-p2p";
export const VERSION: string = manifest.version;
