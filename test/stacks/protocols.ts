// What else a team runs, as named services of a hub, with the real clients on the peer's machine and at the same ports:
// events, sockets and files that take their time, HTTP/2, gRPC, databases.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Process } from "../chaos/process.ts";
import { available } from "../cli/terminals.ts";
import { POSTGRES_BIN, startPostgres } from "../support/servers/postgres.ts";
import { startRedis } from "../support/servers/redis.ts";
import { fileSha256, folder, output, runScript, startScript } from "../support/servers/tools.ts";
import { joinFrom, Shop, share, shopRefused } from "./stack.ts";
import { Machine } from "./wire.ts";

const FILE_BYTES = 200_000_000;
const EVENTS = 60;
const IDLE_SECONDS = 120;

const refused = shopRefused();
if (refused) console.log(`Left out: protocols from machine to machine: ${refused}`);

const PYTHON = ["/usr/bin/python3", "-u"];
const CURL = ["curl", "--disable", "--silent", "--show-error", "--max-time", "100"];
const hasCurl = available("files up and down", ["curl", "--version"]);
const hasGrpc = available("gRPC", [...PYTHON, "-c", "import grpc"]);
const hasPostgres = available("PostgreSQL", [join(POSTGRES_BIN ?? "postgresql", "initdb"), "--version"]);
const hasRedis = available("Redis", ["redis-server", "--version"]);

describe.skipIf(refused !== undefined)("from a peer's machine", () => {
	const stack = new AsyncDisposableStack();
	let machine: Machine;
	let idle: Process;
	let events: Process;
	let ports: Record<string, number>;
	let database: (port: number) => string;

	beforeAll(async () => {
		machine = stack.use(await Machine.create(2));
		const shop = stack.use(await Shop.start());
		ports = { h2: stack.use(await startScript(["node"], "h2-server.mjs")).port };
		if (hasGrpc) ports.grpc = stack.use(await startScript(PYTHON, "grpc-server.py")).port;
		if (hasRedis) ports.cache = stack.use(await startRedis()).port;
		if (hasPostgres) {
			const server = stack.use(await startPostgres());
			ports.db = server.port;
			database = server.url;
		}
		const named = Object.entries(ports).map(([name, port]) => `${name}=tcp://localhost:${port}`);
		const hub = stack.use(await share("page=3000", "api=8000", "socket=ws://localhost:4000", ...named, "shop"));
		stack.use(await joinFrom(machine, hub, "laptop"));
		// These take as long as they take; the other tests run meanwhile.
		const client = [Bun.which("node") as string, join(shop.path, "idle.mjs"), `${IDLE_SECONDS}`];
		idle = stack.use(new Process("idle", machine.inside, client));
		await idle.line(/^before$/);
		const reading = ["curl", "--disable", "-sSN", `http://localhost:8000/events?count=${EVENTS}`];
		events = stack.use(new Process("events", machine.inside, reading));
	}, 60_000);
	afterAll(() => stack.disposeAsync());

	test.skipIf(!hasCurl)(
		"a form with a file of 200 MB goes up, and the file comes down, byte for byte",
		async () => {
			await using files = await folder();
			const { path } = files;
			const file = join(path, "large.bin");
			await output(["sh", "-c", `head -c ${FILE_BYTES} /dev/urandom >"$0"`, file]);
			const sha256 = await fileSha256(file);
			const form = [...machine.inside, ...CURL, "--form", `file=@${file}`, "http://localhost:8000/upload"];
			expect(JSON.parse(await output(form))).toEqual({ filename: "large.bin", bytes: FILE_BYTES, sha256 });
			const copy = join(path, "copy.bin");
			await output([...machine.inside, ...CURL, "--output", copy, `http://localhost:8000/file?path=${file}`]);
			expect(await fileSha256(copy)).toBe(sha256);
		},
		120_000,
	);

	test.each(["many streams", "messages both ways", "a slow reader", "ping"])("HTTP/2 without TLS: %s", async (name) => {
		expect(await runScript([...machine.inside, "node"], "h2-client.mjs", `${ports.h2}`, name)).toBe("done\n");
	});

	test.skipIf(!hasGrpc)("gRPC: calls of every kind", async () => {
		expect(await runScript([...machine.inside, ...PYTHON], "grpc-client.py", `${ports.grpc}`)).toBe("done\n");
	});

	test.skipIf(!hasPostgres)("PostgreSQL: a session with TLS, and 50,000 rows out", async () => {
		const psql = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", database(ports.db as number), "-c"];
		const far = (statement: string) => output([...machine.inside, ...psql, statement]);
		expect((await far("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")).trim()).toBe("t");
		const rows = (await far("SELECT i, md5(i::text) FROM generate_series(1, 50000) i")).trim().split("\n");
		expect(rows).toHaveLength(50_000);
		expect(rows.at(-1)).toBe(`50000|${new Bun.CryptoHasher("md5").update("50000").digest("hex")}`);
	});

	test.skipIf(!hasRedis)("Redis: a value goes in and comes out", async () => {
		const far = (...words: string[]) => output([...machine.inside, "redis-cli", "-p", `${ports.cache}`, ...words]);
		expect(await far("SET", "greeting", "hello")).toBe("OK\n");
		expect(await far("GET", "greeting")).toBe("hello\n");
	});

	test(`server-sent events: one a second for ${EVENTS} s, and the end`, async () => {
		expect(await events.exited).toBe(0);
		const wanted = Array.from({ length: EVENTS }, (_, i) => [`data: ${i + 1}`, ""]).flat();
		expect(events.lines.map(({ text }) => text)).toEqual(wanted);
	}, 90_000);

	test(`a WebSocket that was silent for ${IDLE_SECONDS} s is heard`, async () => {
		expect(await idle.exited).toBe(0);
		expect(idle.lines.map(({ text }) => text)).toEqual(["before", "after"]);
	}, 150_000);
});
