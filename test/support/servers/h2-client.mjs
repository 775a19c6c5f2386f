// Talks to h2-server.mjs; each scenario fails with an exception or ends with "done" on stdout.
// Usage: h2-client.mjs PORT SCENARIO
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, constants } from "node:http2";

const [port, scenario] = process.argv.slice(2);
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

async function open() {
	const session = connect(`http://127.0.0.1:${port}`);
	await once(session, "connect");
	return session;
}

/** Everything that a stream brings. */
async function whole(stream) {
	let trailers = {};
	stream.on("trailers", (them) => {
		trailers = them;
	});
	const chunks = [];
	for await (const chunk of stream) chunks.push(chunk);
	return { body: Buffer.concat(chunks), trailers };
}

const post = (session, path) => session.request({ ":method": "POST", ":path": path, te: "trailers" });
const get = (session, path) => session.request({ ":path": path });

/** gRPC's frame around a message: not compressed, its length. */
function framed(message) {
	const head = Buffer.alloc(5);
	head.writeUInt32BE(message.length, 1);
	return Buffer.concat([head, message]);
}

/** The messages of a stream, one by one. */
async function* messages(stream) {
	let rest = Buffer.alloc(0);
	for await (const chunk of stream) {
		rest = Buffer.concat([rest, chunk]);
		while (rest.length >= 5 && rest.length >= 5 + rest.readUInt32BE(1)) {
			const end = 5 + rest.readUInt32BE(1);
			yield rest.subarray(5, end);
			rest = rest.subarray(end);
		}
	}
	assert.equal(rest.length, 0, "a stream that ends within a message");
}

const scenarios = {
	/** Together they stay below the 10 MB that Node allows to a session. */
	async "many streams"() {
		const session = await open();
		const one = async (_, i) => {
			const body = randomBytes(1 + ((i * 7919) % 30_000));
			const stream = post(session, "/echo");
			stream.end(body);
			const reply = await whole(stream);
			assert.ok(reply.body.equals(body), `body ${i}`);
			assert.equal(reply.trailers["grpc-status"], "0");
			assert.equal(reply.trailers["x-sha256"], sha256(body));
		};
		await Promise.all(Array.from({ length: 200 }, one));
		session.close();
	},

	/** A message is sent once the one before has come back. */
	async "messages both ways"() {
		const session = await open();
		const one = async (_, i) => {
			const stream = post(session, "/echo");
			const trailers = once(stream, "trailers");
			const replies = messages(stream);
			for (let n = 0; n < 100; n++) {
				const message = Buffer.from(`message ${n} of stream ${i}`.repeat(1 + (n % 10) * 20));
				stream.write(framed(message));
				const { value } = await replies.next();
				assert.ok(value.equals(message), `message ${n} of stream ${i}`);
			}
			stream.end();
			assert.deepEqual(await replies.next(), { done: true, value: undefined });
			const [them] = await trailers;
			assert.equal(them["grpc-status"], "0");
		};
		await Promise.all(Array.from({ length: 5 }, one));
		session.close();
	},

	/** A stream that nobody reads is held up by its window, and no other one with it. */
	async "a slow reader"() {
		const session = await open();
		const large = get(session, "/large");
		await once(large, "response");
		for (let i = 0; i < 20; i++) {
			const body = randomBytes(100_000);
			const stream = post(session, "/echo");
			stream.end(body);
			const reply = await whole(stream);
			assert.ok(reply.body.equals(body), `body ${i}`);
		}
		const { body } = await whole(get(session, "/given"));
		const { body: all, trailers } = await whole(large);
		assert.ok(Number(body) < all.length / 2, `${body} of ${all.length} were given while nobody read`);
		assert.equal(trailers["x-sha256"], sha256(all));
		session.close();
	},

	async "resets of streams"() {
		const session = await open();
		const silent = get(session, "/silent");
		await once(silent, "response");
		const refused = get(session, "/refused");
		const [error] = await once(refused, "error");
		assert.equal(error.code, "ERR_HTTP2_STREAM_ERROR");
		assert.equal(refused.rstCode, constants.NGHTTP2_REFUSED_STREAM);
		silent.close(constants.NGHTTP2_CANCEL);
		await once(silent, "close");
		const stream = post(session, "/echo");
		stream.end("still here");
		const { body } = await whole(stream);
		assert.equal(body.toString(), "still here");
		session.close();
	},

	/** What has begun ends well; the next request needs a new connection, and gets one. */
	async goaway() {
		const session = await open();
		const away = once(session, "goaway");
		const closed = once(session, "close");
		const waiting = get(session, "/waiting");
		await once(waiting, "response");
		const finished = whole(waiting);
		get(session, "/goaway").resume();
		const [code] = await away;
		assert.equal(code, constants.NGHTTP2_NO_ERROR);
		const { body, trailers } = await finished;
		assert.equal(body.toString(), "begun and finished");
		assert.equal(trailers["grpc-status"], "0");
		await closed;
		const next = await open();
		await whole(get(next, "/given"));
		next.close();
	},

	async ping() {
		const session = await open();
		for (let i = 0; i < 10; i++) {
			const sent = randomBytes(8);
			const back = await new Promise((resolve, reject) => {
				session.ping(sent, (error, _ms, payload) => (error ? reject(error) : resolve(payload)));
			});
			assert.ok(back.equals(sent));
		}
		session.close();
	},
};

await scenarios[scenario]();
console.log("done");
