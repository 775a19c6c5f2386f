// `identity`: prints the public id of an identity file, which a hub's owner needs for `--allow`.
import { notice, print } from "../base/output.ts";
import { ROTATE, warned } from "./access-options.ts";
import { defineCommand } from "./definition.ts";
import { COMMON } from "./options.ts";

export const identity = defineCommand({
	description: "Print the public id of an identity file, which is created if it is missing",
	examples: [
		["hivemind-p2p identity peer.key", "Print a peer's public id, which the hub's --allow takes"],
		["hivemind-p2p identity hub.key", "Create the identity of a hub before its first start"],
		["hivemind-p2p identity hub.key --rotate", "Make the hub's old tickets and join codes useless"],
	],
	args: {
		file: { type: "positional", description: "The identity file" },
		...ROTATE,
		...COMMON,
	},
	async run({ file, rotate }) {
		const { openIdentity } = await import("../invite/identity.ts");
		const { publicId } = await import("../transport/iroh.ts");
		// While another program runs with this identity it may be read, but not rotated.
		const identity = openIdentity(file, { rotate, peek: !rotate });
		if (rotate) warned(file, identity);
		try {
			print(await publicId(identity.key));
		} finally {
			identity.close();
		}
		if (rotate) {
			notice(
				"The identity has a new secret: old tickets and join codes no longer work. The next 'share' shows the new ticket.",
			);
		}
	},
});
