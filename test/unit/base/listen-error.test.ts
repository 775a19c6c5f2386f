// What a server says that cannot have its port.
import { expect, test } from "bun:test";
import { listenError } from "../../../src/base/listen-error.ts";

const failed = (code: string, port = 1) => {
	const cause = Object.assign(new Error("no"), { code });
	return listenError("The test server", { host: "127.0.0.1", port }, cause, "Choose another one.");
};

test.each([
	["EADDRNOTAVAIL", "this machine has no such address"],
	["EACCES", "permission denied (ports below 1024 need root)"],
	["", "the address cannot be used"],
])("%s: %s", (code, why) => {
	const error = failed(code);
	expect(error.message).toBe(`The test server cannot listen on 127.0.0.1:1: ${why}.`);
	expect(error).toMatchObject({ code: "listen", hint: "Choose another one." });
});

test("a port that is in use is said with its owner, where the system tells it", () => {
	const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
	const by = process.platform === "linux" ? / by .+ \(pid \d+\)\.$/ : /\.$/;
	expect(failed("EADDRINUSE", server.port).message).toMatch(/the port is in use/);
	expect(failed("EADDRINUSE", server.port).message).toMatch(by);
	void server.stop(true);
});
