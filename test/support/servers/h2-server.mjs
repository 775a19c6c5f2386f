// HTTP/2 without TLS ("h2c"), under Node. Bodies end in trailers, as those of gRPC do.
import { createHash } from "node:crypto";
import { constants, createServer } from "node:http2";
import { Readable } from "node:stream";

const CHUNK = 65_536;
const LARGE = 256 * CHUNK;

/** What the large body has given to HTTP/2 so far. */
let given = 0;
/** The stream that waits for the end of its connection. */
let waiting;

function respond(stream, trailers) {
	stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
	stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0", ...trailers() }));
}

const routes = {
	/** Sends everything back as it comes. */
	"/echo": (stream) => {
		const hash = createHash("sha256");
		let chunks = 0;
		respond(stream, () => ({ "x-sha256": hash.digest("hex"), "x-chunks": `${chunks}` }));
		stream.on("data", (chunk) => {
			chunks++;
			hash.update(chunk);
		});
		stream.pipe(stream);
	},
	"/large": (stream) => {
		const hash = createHash("sha256");
		respond(stream, () => ({ "x-sha256": hash.digest("hex") }));
		const body = function* () {
			for (given = 0; given < LARGE; given += CHUNK) {
				const chunk = Buffer.alloc(CHUNK, `${given} `);
				hash.update(chunk);
				yield chunk;
			}
		};
		Readable.from(body()).pipe(stream);
	},
	"/given": (stream) => {
		respond(stream, () => ({}));
		stream.end(`${given}`);
	},
	/** Answers with headers, and with nothing more. */
	"/silent": (stream) => {
		stream.respond({ ":status": 200 });
		stream.on("close", () => console.log(`a stream was reset with ${stream.rstCode}`));
	},
	"/refused": (stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM),
	"/waiting": (stream) => {
		respond(stream, () => ({}));
		stream.write("begun");
		waiting = stream;
	},
	"/goaway": (stream) => {
		respond(stream, () => ({}));
		stream.end();
		stream.session.close();
		waiting.end(" and finished");
	},
};

const server = createServer();
server.on("stream", (stream, headers) => {
	stream.on("error", (error) => console.log(`error: ${error.message}`));
	routes[headers[":path"]](stream);
});
server.listen(0, "127.0.0.1", () => console.log(`listening ${server.address().port}`));
