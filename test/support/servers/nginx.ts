// nginx with the files of a temporary folder. One process, so that its pid is all there is to end.
import { mkdir } from "node:fs/promises";
import { Program } from "../executable.ts";
import { folder, freePort, type Server } from "./tools.ts";

/** Debian keeps it where only root's PATH leads. */
export const NGINX: string = Bun.which("nginx", { PATH: `${process.env.PATH}:/usr/sbin` }) ?? "nginx";

/** Bodies of requests may have this many bytes. */
export const NGINX_BODY_BYTES = 1_000_000;

/** `files` are what it serves, by name. */
export async function startNginx(files: Record<string, Uint8Array>): Promise<Server> {
	await using stack = new AsyncDisposableStack();
	const { path, file } = stack.use(await folder());
	await mkdir(file("www"));
	for (const [name, bytes] of Object.entries(files)) await Bun.write(file(`www/${name}`), bytes);
	const port = await freePort();
	const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((of) => `${of}_temp_path ${file(of)};`);
	await Bun.write(
		file("nginx.conf"),
		`daemon off; master_process off; pid ${file("pid")}; error_log stderr notice;
		events {}
		http {
			access_log off; keepalive_requests 10000; ${temporary.join(" ")}
			server { listen 127.0.0.1:${port}; root ${file("www")}; client_max_body_size ${NGINX_BODY_BYTES}; }
		}`,
	);
	// -e: before it has read its file, it would write to the system's log.
	const program = stack.use(new Program([NGINX, "-p", path, "-e", "stderr", "-c", file("nginx.conf")], { cwd: path }));
	// It says so after it has opened its sockets.
	await program.line(/using the "\w+" event method/);
	const owned = stack.move();
	return { port, program, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
