// Opens an identity file, prints "open <key> <secret>" or what is wrong, and holds the file until its input ends.
// With a second file it prints "ready" first and goes on the moment that file is there: a race that starts at once.
// With AS_USER in the environment it is that user first. Usage: bun identity-holder.ts <FILE> [<START>]. Started by
// holder.ts.
import { existsSync } from "node:fs";
import { openIdentity } from "../../src/invite/identity.ts";

const [path = "", begin] = process.argv.slice(2);
const user = Number(process.env.AS_USER ?? 0);
if (user > 0) {
	// Another user may not be able to load what is loaded by now.
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
	console.log(`open ${Buffer.from(identity.key).toString("hex")} ${identity.secret}`);
	if (begin === undefined) for await (const _ of process.stdin);
	identity.close();
} catch (error) {
	console.log((error as Error).message);
}
