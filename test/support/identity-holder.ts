// Opens an identity file, prints "open <key> <secret>" (and the lock, if that is not held) or what went wrong, and holds
// the file until its input ends.
// With a second file it prints "ready" first and goes on the moment that file exists, so that several can race.
// With AS_USER in the environment it becomes that user first. Usage: bun identity-holder.ts <FILE> [<START>]
import { existsSync } from "node:fs";
import { openIdentity } from "../../src/invite/identity.ts";

const [path = "", begin] = process.argv.slice(2);
const user = Number(process.env.AS_USER ?? 0);
if (user > 0) {
	// Everything has been loaded by now; the other user may not be allowed to read our modules.
	process.setgroups?.([]);
	process.setgid?.(user);
	process.setuid?.(user);
}
if (begin !== undefined) {
	console.log("ready");
	while (!existsSync(begin));
}
try {
	const identity = openIdentity(path);
	const lock = identity.lock === "held" ? "" : `, lock: ${identity.lock}`;
	console.log(`open ${Buffer.from(identity.key).toString("hex")} ${identity.secret}${lock}`);
	if (begin === undefined) for await (const _ of process.stdin);
	identity.close();
} catch (error) {
	console.log((error as Error).message);
}
