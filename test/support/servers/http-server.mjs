// An HTTP server under Node. Says on stdout what it sees; a line on its stdin becomes an event of every open
// /events.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";

const listeners = new Set();

async function upload(request, response) {
	const hash = createHash("sha256");
	let bytes = 0;
	for await (const chunk of request) {
		bytes += chunk.length;
		hash.update(chunk);
	}
	const { "transfer-encoding": encoding = "none" } = request.headers;
	response.end(JSON.stringify({ bytes, sha256: hash.digest("hex"), encoding, trailers: request.trailers }));
}

function events(_request, response) {
	response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
	response.flushHeaders();
	listeners.add(response);
	response.on("close", () => {
		listeners.delete(response);
		console.log("the reader of events has left");
	});
	console.log("somebody reads events");
}

const routes = { "/upload": upload, "/events": events };

const server = createServer((request, response) => routes[request.url](request, response));
server.on("checkContinue", (request, response) => {
	if (request.url === "/refused") {
		response.writeHead(413).end("too large");
		return;
	}
	console.log("told to continue");
	response.writeContinue();
	routes[request.url](request, response);
});
server.listen(0, "127.0.0.1", () => console.log(`listening ${server.address().port}`));

for await (const line of createInterface({ input: process.stdin })) {
	for (const response of listeners) response.write(`data: ${line}\n\n`);
}
