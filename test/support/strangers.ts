// HTTP requests that no browser and no client sends, over plain TCP connections.
import { connect } from "node:net";

/** Heads of requests, without the empty line that ends them. Control characters are written in Latin-1. */
export const STRANGE: Readonly<Record<string, string>> = {
	"an impossible Host header": "GET /v1 HTTP/1.1\r\nHost: [::\r\n",
	"an impossible Host header for another page": "GET / HTTP/1.1\r\nHost: a b:99999999\r\n",
	"control characters in the Host header": "GET /v1 HTTP/1.1\r\nHost: \x9b31m\xff\r\n",
	"no Host header": "GET /v1 HTTP/1.1\r\n",
	"an impossible target": "GET http://[/v1 HTTP/1.1\r\nHost: x\r\n",
	"headers of 100 KB": `GET /v1 HTTP/1.1\r\nHost: x\r\nX-Long: ${"a".repeat(100_000)}\r\n`,
	"no HTTP at all": "\x9b\x1b[31m\r\n",
};

/** Sends a request of {@link STRANGE}; resolves with the answer when the server has closed the connection. */
export function strangeRequest(port: number, head: string): Promise<string> {
	return raw(port, `${head}Connection: close\r\n\r\n`);
}

/** Sends text (as Latin-1) and bytes; resolves with what came back when the server has closed the connection. */
export function raw(port: number, ...parts: (string | Buffer)[]): Promise<string> {
	const answer = Promise.withResolvers<string>();
	let got = "";
	const client = connect(port, "127.0.0.1", () => {
		for (const part of parts) client.write(typeof part === "string" ? Buffer.from(part, "latin1") : part);
	});
	client.on("data", (bytes) => {
		got += bytes.toString("latin1");
	});
	// A reset is an answer, too.
	client.on("error", () => {});
	client.on("close", () => answer.resolve(got));
	return answer.promise;
}
