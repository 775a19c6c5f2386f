// Saves a hub as an alias, in the place of what has that alias, and prints "saved" or what went wrong.
// With AS_USER in the environment it becomes that user first. Usage: bun hub-saver.ts <FOLDER> <ALIAS> <NAME>
import { openSavedHub, writeSavedHub } from "../../src/invite/saved-hubs.ts";
import { savedHub } from "./saved-hub.ts";

const [folder = "", alias = "", name = ""] = process.argv.slice(2);
const user = Number(process.env.AS_USER ?? 0);
if (user > 0) {
	process.setgroups?.([]);
	process.setgid?.(user);
	process.setuid?.(user);
}
try {
	const saved = await writeSavedHub(folder, openSavedHub(folder, alias) ?? alias, savedHub({ name }));
	console.log(saved ? "saved" : "there is one already");
	saved?.close();
} catch (error) {
	console.log((error as Error).message);
}
