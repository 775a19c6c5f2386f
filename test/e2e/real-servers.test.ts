// Servers and clients as people run them, with the real executable's hub and peer between them on loopback: databases,
// web servers, HTTP/2 and gRPC, WebSockets. What is not installed is skipped and named (docs/reliability.md shows the
// table).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { available, hub, peer } from "../cli/terminals.ts";
import { Program } from "../support/executable.ts";
import { Puppet } from "../support/puppet.ts";
import { NGINX, NGINX_BODY_BYTES, startNginx } from "../support/servers/nginx.ts";
import { complaints, POSTGRES_BIN, startPostgres } from "../support/servers/postgres.ts";
import { redis, startRedis } from "../support/servers/redis.ts";
import {
	ended,
	fileSha256,
	finish,
	folder,
	freePort,
	output,
	runScript,
	sha256,
	startScript,
} from "../support/servers/tools.ts";

const MB = 1024 * 1024;

/** Debian's Python, which is the one that has Debian's modules. */
const PYTHON = ["/usr/bin/python3", "-u"];
const NODE = ["node"];
const CURL = ["curl", "--disable", "--silent", "--show-error", "--max-time", "60"];

const SUPPORTED = process.platform !== "win32";
if (!SUPPORTED) console.log("skipped: all tests with real servers: they need Unix signals");
const NEEDS_POSTGRES = [
	[join(POSTGRES_BIN ?? "postgresql", "initdb"), "--version"],
	["psql", "--version"],
	["openssl", "version"],
];
const NEEDS_REDIS = [
	["redis-server", "--version"],
	["redis-cli", "--version"],
];
const NEEDS_CURL = [["curl", "--version"]];
const NEEDS_NODE = [["node", "--version"]];

/** Tests of servers behind a tunnel, which `start` puts on the stack: everything on it is ended at the end. */
function group<T>(
	name: string,
	needs: readonly (readonly string[])[],
	start: (stack: AsyncDisposableStack) => Promise<T>,
	tests: (world: () => T) => void,
): void {
	const complete = SUPPORTED && needs.every((command) => available(name, command));
	describe.skipIf(!complete)(name, () => {
		const stack = new AsyncDisposableStack();
		let world: T;
		beforeAll(async () => {
			world = await start(stack);
		});
		afterAll(() => stack.disposeAsync());
		tests(() => world);
	});
}

/** The peer's three local ports, which lead to these ports of the hub's, and the peer's terminal. */
async function tunnel(
	stack: AsyncDisposableStack,
	...services: number[]
): Promise<{ ports: readonly [number, number, number]; joined: Program }> {
	const { ticket, program: sharing } = stack.use(await hub(services.map((port) => `127.0.0.1:${port}`)));
	const { urls, program: joined } = stack.use(await peer(ticket));
	stack.defer(() => expect(sharing.stderr + joined.stderr).not.toContain("a bug"));
	const port = (url: string) => Number(new URL(url).port);
	return { ports: [port(urls.frontend), port(urls.backend), port(urls.websocket)], joined };
}

/** Bytes without a period, which compression cannot shrink. */
const noise = (size: number): Uint8Array => {
	const bytes = new Uint8Array(size);
	for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
	return bytes;
};

group(
	"PostgreSQL",
	NEEDS_POSTGRES,
	async (stack) => {
		const server = stack.use(await startPostgres());
		const { ports } = await tunnel(stack, server.port);
		const { path: home } = stack.use(await folder());
		return { server, home, far: server.url(ports[0]), near: server.url(server.port) };
	},
	(world) => {
		/** Without the user's own settings and certificates. */
		const options = () => ({ env: { HOME: world().home } });
		const psql = (url: string, ...more: string[]) => [
			...["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", url],
			...more,
		];
		const query = async (url: string, statement: string) =>
			(await output(psql(url, "-c", statement), options())).trim();

		test("a session is encrypted from the client to the server", async () => {
			const ssl = "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
			expect(await query(world().far, ssl)).toMatch(/^t\|TLSv1\.[23]$/);
		});

		test("COPY brings every row out, and every row in", async () => {
			await using files = await folder();
			const rows = "SELECT i, md5(i::text), repeat(chr(65 + i % 26), i % 50) FROM generate_series(1, 100000) i";
			await query(world().far, `\\copy (${rows}) TO '${files.file("far")}'`);
			await query(world().near, `\\copy (${rows}) TO '${files.file("near")}'`);
			expect(Bun.file(files.file("far")).size).toBeGreaterThan(5 * MB);
			expect(await fileSha256(files.file("far"))).toBe(await fileSha256(files.file("near")));

			await query(world().far, "CREATE TABLE copied (i int, hash text, filler text)");
			await query(world().far, `\\copy copied FROM '${files.file("far")}'`);
			const sum = (from: string) => `SELECT count(*), md5(string_agg(t::text, ',' ORDER BY i)) FROM ${from}`;
			expect(await query(world().near, sum("copied t"))).toBe(
				await query(world().near, sum(`(${rows}) t (i, hash, filler)`)),
			);
		});

		test("Ctrl+C in psql cancels the query, by a second connection", async () => {
			await using session = new Program(psql(world().far, "-c", "SELECT pg_sleep(3600)"), options());
			await Promise.race([world().server.program.line(/statement: SELECT pg_sleep/), session.exited]);
			session.signal("SIGINT");
			const { status, stderr } = await session.exited;
			expect(stderr).toContain("ERROR:  canceling statement due to user request");
			expect(status).toBe(1);
		});

		test("a notification reaches the session that listens", async () => {
			await using session = new Program(psql(world().far), options());
			session.type("LISTEN news;\nSELECT 'listening';\n");
			await session.line(/^listening$/);
			await query(world().far, "NOTIFY news, 'it works'");
			session.type("SELECT 1;\n");
			await session.line(/^Asynchronous notification "news" with payload "it works" received/);
			session.endInput();
			expect((await session.exited).status).toBe(0);
		});

		test("a hundred sessions, eight at a time", async () => {
			await using files = await folder();
			await writeFile(files.file("script"), "SELECT repeat('x', 10000);\n");
			const pgbench = [join(POSTGRES_BIN ?? "", "pgbench"), "--no-vacuum", "--connect", "--file", files.file("script")];
			const report = await output([...pgbench, "--client=8", "--jobs=2", "--transactions=13", world().far], options());
			expect(report).toContain("number of transactions actually processed: 104/104");
		});

		// The last one: it ends the server.
		test("its log has no complaint of a connection that no client made", async () => {
			const log = await world().server.stop();
			expect(complaints(log)).toEqual([expect.stringMatching(/ERROR: {2}canceling statement due to user request$/)]);
		});
	},
);

group(
	"Redis",
	NEEDS_REDIS,
	async (stack) => {
		const server = stack.use(await startRedis());
		const { ports } = await tunnel(stack, server.port);
		return { near: server.port, far: ports[0] };
	},
	(world) => {
		const session = (port: number, ...words: string[]) =>
			new Program(["redis-cli", "-h", "127.0.0.1", "-p", `${port}`, ...words], {});

		test("a published message reaches the subscriber", async () => {
			await using subscriber = session(world().far, "SUBSCRIBE", "news");
			await subscriber.line(/^subscribe$/);
			for (let i = 0; i < 10; i++) {
				expect((await redis(world().far, "PUBLISH", "news", `message ${i}`)).trim()).toBe("1");
				await subscriber.line(new RegExp(`^message ${i}$`));
			}
		});

		test("a pipeline of 50,000 commands gets 50,000 replies", async () => {
			const commands = Array.from({ length: 50_000 }, (_, i) => `SET key:${i} ${i}\r\n`).join("");
			const pipe = ["redis-cli", "-h", "127.0.0.1", "-p", `${world().far}`, "--pipe"];
			expect(await output(pipe, { stdin: commands })).toContain("errors: 0, replies: 50000");
			expect((await redis(world().near, "DBSIZE")).trim()).toBe("50000");
		});

		test("BLPOP waits for the next value, and gets it", async () => {
			await using monitor = session(world().near, "MONITOR");
			await monitor.line(/^OK$/);
			await using waiting = session(world().far, "BLPOP", "queue", "0");
			await monitor.line(/"BLPOP"/);
			await redis(world().far, "RPUSH", "queue", "work");
			expect((await waiting.exited).stdout).toBe("queue\nwork\n");
		});

		test("a value of 8 MB comes back unchanged", async () => {
			const value = Buffer.from(noise(4 * MB)).toString("hex");
			const set = ["redis-cli", "-h", "127.0.0.1", "-p", `${world().far}`, "-x", "SET", "large"];
			expect((await output(set, { stdin: value })).trim()).toBe("OK");
			expect(sha256((await redis(world().far, "GET", "large")).trim())).toBe(sha256(value));
		});
	},
);

group(
	"nginx",
	[[NGINX, "-v"], ...NEEDS_CURL],
	async (stack) => {
		const large = noise(16 * MB);
		const server = stack.use(await startNginx({ large, small: noise(1000) }));
		const files = stack.use(await folder());
		const { ports } = await tunnel(stack, server.port);
		return { large, files, url: `http://127.0.0.1:${ports[0]}` };
	},
	(world) => {
		test("a large file arrives unchanged, as a whole and in ranges", async () => {
			const { large, files, url } = world();
			await output([...CURL, "--output", files.file("whole"), `${url}/large`]);
			expect(await fileSha256(files.file("whole"))).toBe(sha256(large));
			const ranges = ["0-0", "0-999999", "1000000-9999999", "10000000-"];
			const parts: Uint8Array[] = [];
			for (const range of ranges) {
				const fetched = [...CURL, "--range", range, "--output", files.file("part"), "--write-out", "%{http_code}"];
				expect(await output([...fetched, `${url}/large`])).toBe("206");
				parts.push(await Bun.file(files.file("part")).bytes());
			}
			expect(parts.map(({ length }) => length).slice(0, 3)).toEqual([1, 1_000_000, 9_000_000]);
			expect(sha256(Buffer.concat(parts.slice(1)))).toBe(sha256(large));
		});

		test("500 requests share one connection", async () => {
			const { url } = world();
			const each = ["--write-out", "%{http_code} %{num_connects} %{size_download}\n", "--output", "/dev/null"];
			const lines = (await output([...CURL, ...each, `${url}/small?[1-500]`])).trim().split("\n");
			expect(lines).toEqual(["200 1 1000", ...Array<string>(499).fill("200 0 1000")]);
		});

		test("four downloads at once", async () => {
			const { large, files, url } = world();
			const together = ["--parallel", "--parallel-immediate", "--parallel-max", "4"];
			await output([...CURL, ...together, "--output", files.file("copy-#1"), `${url}/large?[1-4]`]);
			for (let i = 1; i <= 4; i++) expect(await fileSha256(files.file(`copy-${i}`))).toBe(sha256(large));
		});

		test("an upload that is too large is answered while it goes on", async () => {
			const { files, url } = world();
			await writeFile(files.file("body"), noise(20 * NGINX_BODY_BYTES));
			const post = ["--data-binary", `@${files.file("body")}`, "--header", "Expect:", "--output", "/dev/null"];
			expect(await output([...CURL, ...post, "--write-out", "%{http_code}", `${url}/small`])).toBe("413");
		});
	},
);

group(
	"HTTP/1.1 with Node's server",
	[...NEEDS_NODE, ...NEEDS_CURL],
	async (stack) => {
		const server = stack.use(await startScript(NODE, "http-server.mjs"));
		const files = stack.use(await folder());
		const { ports } = await tunnel(stack, server.port);
		const body = noise(10 * MB);
		await writeFile(files.file("body"), body);
		return { server, files, body, url: `http://127.0.0.1:${ports[0]}` };
	},
	(world) => {
		const upload = () => ({ bytes: world().body.length, sha256: sha256(world().body) });

		test("server-sent events arrive one by one", async () => {
			const { server, url } = world();
			await using reader = new Program([...CURL, "--no-buffer", `${url}/events`], {});
			await server.program.line(/^somebody reads events$/);
			for (let i = 1; i <= 20; i++) {
				// The next one is sent only once this one is there.
				server.program.type(`event ${i}\n`);
				await reader.line(new RegExp(`^data: event ${i}$`));
			}
			expect(reader.stdout).toBe(Array.from({ length: 20 }, (_, i) => `data: event ${i + 1}\n\n`).join(""));
			reader.signal("SIGTERM");
			await server.program.line(/^the reader of events has left$/);
		});

		test("Expect: 100-continue: the body follows once the server has said so", async () => {
			const { server, files, url } = world();
			// curl itself would send the body after a second: it must be the server's word that it waits for.
			const expecting = ["--header", "Expect: 100-continue", "--expect100-timeout", "60", "--verbose"];
			const post = [...CURL, ...expecting, "--data-binary", `@${files.file("body")}`, `${url}/upload`];
			const { status, stdout, stderr } = await finish(post);
			expect({ status, ...JSON.parse(stdout) }).toMatchObject({ status: 0, ...upload() });
			expect(stderr).toContain("< HTTP/1.1 100 Continue");
			expect(server.program.stdout).toContain("told to continue");
		});

		test("Expect: 100-continue: the body stays where it is if the server refuses it", async () => {
			const { files, url } = world();
			const expecting = ["--header", "Expect: 100-continue", "--expect100-timeout", "60", "--output", "/dev/null"];
			const post = [...CURL, ...expecting, "--data-binary", `@${files.file("body")}`];
			expect(await output([...post, "--write-out", "%{http_code} %{size_upload}", `${url}/refused`])).toBe("413 0");
		});

		test("an upload in chunks, whose length nobody knows", async () => {
			const { files, url } = world();
			const chunked = ["--header", "Transfer-Encoding: chunked", "--header", "Expect:"];
			const put = [...CURL, ...chunked, "--upload-file", files.file("body"), `${url}/upload`];
			expect(JSON.parse(await output(put))).toMatchObject({ ...upload(), encoding: "chunked" });
		});
	},
);

group(
	"half-closed connections",
	[...NEEDS_NODE, [...PYTHON, "--version"]],
	async (stack) => {
		const server = stack.use(await startScript(PYTHON, "half-closed.py"));
		const puppet = stack.use(new Puppet());
		const { ports } = await tunnel(stack, server.port);
		return { server, puppet, port: ports[0] };
	},
	(world) => {
		test("an upload that ends with a FIN gets its whole reply", async () => {
			const { puppet, port } = world();
			const client = await puppet.connect(port);
			await client.write("echo\n");
			await client.send(10 * MB);
			await client.end();
			expect(await client.closed()).toMatchObject({
				received: 10 * MB,
				sha256: await puppet.hash(10 * MB),
				ended: true,
				error: null,
			});
		});

		test("a server that has shut its side gets the whole upload", async () => {
			const { server, puppet, port } = world();
			const client = await puppet.connect(port);
			await client.write(`first ${MB}\n`);
			expect(await client.ended()).toMatchObject({ received: MB, ended: true, closed: false });
			await client.send(10 * MB);
			await client.end();
			const [, bytes, hash] = await server.program.line(/^read (\d+) (\w+)$/);
			expect([Number(bytes), hash]).toEqual([10 * MB, await puppet.hash(10 * MB)]);
			expect(await client.closed()).toMatchObject({ error: null });
		});
	},
);

group(
	"HTTP/2 without TLS",
	NEEDS_NODE,
	async (stack) => {
		const server = stack.use(await startScript(NODE, "h2-server.mjs"));
		return { server, port: (await tunnel(stack, server.port)).ports[0] };
	},
	(world) => {
		const scenario = (name: string) => runScript(NODE, "h2-client.mjs", `${world().port}`, name);

		test.each(["many streams", "messages both ways", "a slow reader", "goaway", "ping"])("%s", async (name) => {
			expect(await scenario(name)).toBe("done\n");
		});

		test("resets of streams, which leave the others alone", async () => {
			expect(await scenario("resets of streams")).toBe("done\n");
			await world().server.program.line(/^a stream was reset with 8$/);
		});
	},
);

group(
	"gRPC",
	[[...PYTHON, "-c", "import grpc"]],
	async (stack) => {
		const server = stack.use(await startScript(PYTHON, "grpc-server.py"));
		return { server, port: (await tunnel(stack, server.port)).ports[0] };
	},
	(world) => {
		test("calls of every kind, an error and a deadline", async () => {
			expect(await runScript(PYTHON, "grpc-client.py", `${world().port}`)).toBe("done\n");
			await world().server.program.line(/^silence is over$/);
		});
	},
);

for (const [name, interpreter, script] of [
	["ws", NODE, "ws-server.mjs"],
	["Bun.serve", [process.execPath], "ws-server-bun.ts"],
] as const) {
	group(
		`WebSockets with permessage-deflate, served by ${name}`,
		NEEDS_NODE,
		async (stack) => {
			const server = stack.use(await startScript(interpreter, script));
			return { server, port: (await tunnel(stack, server.port)).ports[0] };
		},
		(world) => {
			const seen = (line: string) => world().server.program.line(new RegExp(`^${line}$`));

			test("the client of ws", async () => {
				expect(await runScript(NODE, "ws-client.mjs", `${world().port}`)).toBe("done\n");
				await seen("closed with 4001 done with you");
				await seen("closed with 4002 as you wish");
				await seen("closed with 1006 ");
			});

			test("the client of Bun", async () => {
				const url = `ws://127.0.0.1:${world().port}`;
				const socket = await opened(url);
				expect(socket.extensions).toContain("permessage-deflate");
				for (const text of ["", "Grüße, 世界", "compressible ".repeat(200_000)]) {
					expect(sha256(await reply(socket, text))).toBe(sha256(text));
				}
				const bytes = noise(4 * MB);
				expect(sha256(await reply(socket, bytes))).toBe(sha256(bytes));
				const closing = closed(socket);
				socket.close(4003, "until then");
				expect(await closing).toBe("4003 until then");
				await seen("closed with 4003 until then");

				const other = await opened(url);
				const closingToo = closed(other);
				other.send("/close");
				expect(await closingToo).toBe("4002 as you wish");
			});
		},
	);
}

group(
	"services that nobody asks for anything",
	[...NEEDS_NODE, ...NEEDS_CURL, [...PYTHON, "--version"]],
	async (stack) => {
		const files = stack.use(await folder());
		await writeFile(files.file("page"), "the page");
		const serve = ["-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", files.path];
		const python = stack.use(new Program([...PYTHON, ...serve], {}));
		const [, port = ""] = await python.line(/^Serving HTTP on 127\.0\.0\.1 port (\d+)/);
		const node = stack.use(await startScript(NODE, "echo.mjs"));
		const late = await freePort();
		const { ports, joined } = await tunnel(stack, Number(port), node.port, late);
		return { python, node, late, ports, joined, puppet: stack.use(new Puppet()) };
	},
	(world) => {
		async function echo(port: number, text: string): Promise<string> {
			const client = await world().puppet.connect(port);
			await client.write(text);
			await client.end();
			const { head, error } = await client.closed();
			return error ?? head;
		}

		const page = () => output([...CURL, `http://127.0.0.1:${world().ports[0]}/page`]);

		test("a Node server without an error handler survives being noticed when it starts late", async () => {
			const { late, joined, ports } = world();
			expect(await echo(ports[2], "too early")).toBe("ECONNRESET");
			await joined.line(/^(error: )?The websocket is not running on the hub/);
			await using server = await startScript(NODE, "echo.mjs", `${late}`);
			await joined.line(/^The websocket is running again\.$/);
			expect(await echo(ports[2], "late")).toBe("late");
			expect(await ended(server.program, "SIGTERM")).toMatchObject({ status: 143, stderr: "" });
		});

		// By now the hub has had as much time for them as it took to notice the late one.
		test("a Node server without an error handler survives a hub with a peer", async () => {
			const { node, ports } = world();
			expect(await echo(ports[1], "still here")).toBe("still here");
			expect(await ended(node.program, "SIGTERM")).toMatchObject({ status: 143, stderr: "" });
		});

		test("Python's http.server prints no traceback", async () => {
			expect(await page()).toBe("the page");
			const { stderr } = await ended(world().python, "SIGTERM");
			expect(stderr.trim().split("\n")).toEqual([expect.stringMatching(/"GET \/page HTTP\/1\.1" 200 -$/)]);
		});
	},
);

// --- internal ---

function opened(url: string): Promise<WebSocket> {
	const socket = new WebSocket(url);
	socket.binaryType = "arraybuffer";
	return new Promise((resolve, reject) => {
		socket.onopen = () => resolve(socket);
		socket.onerror = () => reject(new Error(`no WebSocket at ${url}`));
	});
}

/** The next message after `data` was sent. */
function reply(socket: WebSocket, data: string | Uint8Array): Promise<string | Uint8Array> {
	return new Promise((resolve, reject) => {
		socket.onmessage = ({ data }) => resolve(typeof data === "string" ? data : new Uint8Array(data));
		socket.onclose = ({ code, reason }) => reject(new Error(`closed with ${code} ${reason}`));
		socket.send(data);
	});
}

const closed = (socket: WebSocket): Promise<string> =>
	new Promise((resolve) => {
		socket.onclose = ({ code, reason }) => resolve(`${code} ${reason}`);
	});
