// The program's name and version. The version lives in package.json only; the bundler puts it in.
import manifest from "../../package.json" with { type: "json" };

export const PROGRAM = "hivemind-p2p";
export const VERSION: string = manifest.version;
