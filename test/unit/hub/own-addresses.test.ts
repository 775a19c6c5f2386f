// Which addresses are this machine's, and which listener gets a connection: compared with the system's own answer.
import { expect, test } from "bun:test";
import { networkInterfaces } from "node:os";
import { isOwnHost, listeningHosts, reaches } from "../../../src/hub/own-addresses.ts";

test("loopback, wildcard and interface addresses are this machine's, however they are written", () => {
	const interfaces = Object.values(networkInterfaces()).flatMap((list) => list?.map(({ address }) => address) ?? []);
	for (const host of [
		"127.0.0.1",
		"127.9.9.9",
		"::1",
		"0:0:0:0:0:0:0:1",
		"::ffff:127.0.0.1",
		"0.0.0.0",
		"::",
		...interfaces,
	])
		expect(isOwnHost(host), host).toBe(true);
	for (const host of ["192.0.2.7", "2001:db8::1"]) expect(isOwnHost(host), host).toBe(false);
});

test("the listeners that get a connection are the address itself and the wildcard of its family, and :: for both", () => {
	expect(listeningHosts("127.0.0.1")).toEqual(["127.0.0.1", "0.0.0.0", "::"]);
	expect(listeningHosts("::ffff:10.0.0.7")).toEqual(["10.0.0.7", "0.0.0.0", "::"]);
	expect(listeningHosts("::1")).toEqual(["::1", "::"]);
	expect(listeningHosts("0.0.0.0")).toEqual(["127.0.0.1", "0.0.0.0", "::"]);
	expect(listeningHosts("::")).toEqual(["::1", "::"]);
});

const LOCAL = ["127.0.0.1", "127.0.0.2", "::1", "0.0.0.0", "::"];

for (const listening of LOCAL) {
	test.skipIf(process.platform !== "linux")(
		`a listener on ${listening} gets what the system lets it have`,
		async () => {
			const listener = Bun.listen({ hostname: listening, port: 0, socket: { data() {} } });
			const { port } = listener;
			try {
				for (const host of LOCAL) {
					const connected = await Bun.connect({ hostname: host, port, socket: { data() {}, connectError() {} } }).then(
						(socket) => {
							socket.terminate();
							return true;
						},
						() => false,
					);
					expect(reaches({ host, port }, { host: listening, port }), `${host} to ${listening}`).toBe(connected);
					expect(reaches({ host, port: port - 1 }, { host: listening, port })).toBe(false);
				}
			} finally {
				listener.stop(true);
			}
		},
	);
}
