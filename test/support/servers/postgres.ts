// PostgreSQL with TLS, in a temporary folder, as an unprivileged user: it refuses to run as root.
import { existsSync, realpathSync } from "node:fs";
import { chmod, chown } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Program } from "../executable.ts";
import { ended, folder, freePort, output, type Server } from "./tools.ts";

/** Where the server's programs are: Debian keeps them out of PATH. Undefined if there are none. */
export const POSTGRES_BIN: string | undefined = findPrograms();

export interface Postgres extends Server {
	/** For psql; TLS is required, and the certificate is checked. `port` may be that of a tunnel. */
	url(port: number): string;
	/** Ends it as its administrator would. Its whole log. */
	stop(): Promise<string>;
}

export async function startPostgres(): Promise<Postgres> {
	await using stack = new AsyncDisposableStack();
	const { path, file } = stack.use(await folder());
	const certificate = ["-subj", "/CN=localhost", "-days", "2", "-keyout", file("key"), "-out", file("certificate")];
	await output(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", ...certificate]);
	await chmod(file("key"), 0o600);
	const asUser = await unprivileged([path, file("key")]);
	const initdb = [program("initdb"), "--pgdata", file("data"), "--username=postgres", "--auth=trust"];
	await output([...asUser, ...initdb, "--no-locale", "--encoding=UTF8", "--no-sync"]);

	const port = await freePort();
	const settings = {
		listen_addresses: "127.0.0.1",
		port,
		unix_socket_directories: "",
		ssl: "on",
		ssl_cert_file: file("certificate"),
		ssl_key_file: file("key"),
		fsync: "off",
		log_statement: "all",
		log_connections: "on",
	};
	const options = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
	const server = new Program([...asUser, program("postgres"), "-D", file("data"), ...options], { cwd: path });
	stack.defer(async () => void (await ended(server, "SIGINT")));
	await server.line(/database system is ready to accept connections/);
	const owned = stack.move();
	return {
		port,
		program: server,
		url: (at) => `postgresql://postgres@127.0.0.1:${at}/postgres?sslmode=verify-ca&sslrootcert=${file("certificate")}`,
		stop: async () => (await ended(server, "SIGINT")).stderr,
		[Symbol.asyncDispose]: () => owned.disposeAsync(),
	};
}

/** The lines of a log in which PostgreSQL complains of something. */
export const complaints = (log: string): string[] =>
	log
		.split("\n")
		.filter((line) => !line.includes("statement: "))
		.filter((line) => /could not|incomplete|unexpected|invalid|reset|WARNING|ERROR|FATAL|PANIC/.test(line));

// --- internal ---

const program = (name: string): string => join(POSTGRES_BIN ?? "", name);

/** The words to put in front of a command so that root does not run it; the user they name owns these files. */
async function unprivileged(files: readonly string[]): Promise<string[]> {
	if (process.getuid?.() !== 0) return [];
	const [uid, gid] = await Promise.all(["-u", "-g"].map(async (what) => Number(await output(["id", what, "nobody"]))));
	for (const file of files) await chown(file, uid as number, gid as number);
	return ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"];
}

function findPrograms(): string | undefined {
	const inPath = Bun.which("initdb");
	if (inPath) return dirname(realpathSync(inPath));
	if (!existsSync("/usr/lib/postgresql")) return undefined;
	const versions = [...new Bun.Glob("*/bin/initdb").scanSync("/usr/lib/postgresql")];
	const newest = versions.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10)).at(-1);
	return newest && dirname(join("/usr/lib/postgresql", newest));
}
