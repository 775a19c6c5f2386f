// The service behind the hub, in a process of its own: gives a short answer, a long one, or the hash of what it is sent.
// Prints its port.
import { body } from "./data.ts";

const server = Bun.serve({
	hostname: "127.0.0.1",
	port: 0,
	// A black hole lasts longer than Bun's default of 10 s.
	idleTimeout: 0,
	maxRequestBodySize: Number.MAX_SAFE_INTEGER,
	async fetch(request) {
		const { pathname, searchParams } = new URL(request.url);
		if (pathname === "/down") return new Response(body(Number(searchParams.get("bytes"))));
		if (pathname !== "/up") return new Response("here");
		const hash = new Bun.CryptoHasher("sha256");
		for await (const bytes of request.body ?? []) hash.update(bytes);
		return new Response(hash.digest("hex"));
	},
});
console.log(server.port);
