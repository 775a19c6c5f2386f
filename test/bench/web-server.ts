// The web server behind all ways: nginx where there is one, else Bun.serve in a process of its own.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, listening, type Program, quietProgram } from "./programs.ts";

export interface WebServer {
	name: string;
	port: number;
	program: Program;
}

/** Serves `directory` on loopback, uncompressed; `inside` goes in front of the command. */
export async function startWebServer(directory: string, inside: readonly string[] = []): Promise<WebServer> {
	const port = freePort();
	const nginx = Bun.which("nginx") ?? Bun.which("/usr/sbin/nginx");
	const script = join(import.meta.dir, "web-server.ts");
	const command = nginx
		? [nginx, "-e", "stderr", "-p", directory, "-c", configure(directory, port)]
		: [process.execPath, script, directory, String(port)];
	const program = quietProgram([...inside, ...command]);
	await listening(port, inside);
	return { name: nginx ? "nginx" : "Bun.serve", port, program };
}

// --- internal ---

/** Writes a configuration of one foreground process without files of its own elsewhere. */
function configure(directory: string, port: number): string {
	const own = join(directory, ".nginx");
	mkdirSync(own, { recursive: true });
	const temporary = "client_body proxy fastcgi uwsgi scgi"
		.split(" ")
		.map((kind) => `${kind}_temp_path ${own}/${kind};`);
	const file = join(own, "nginx.conf");
	writeFileSync(
		file,
		`daemon off; user root; worker_processes 1; pid ${own}/pid; events { worker_connections 8192; }
http {
	access_log off; sendfile on; tcp_nodelay on; keepalive_requests 1000000000; keepalive_timeout 3600s;
	types { text/html html; text/javascript js; } default_type application/octet-stream;
	${temporary.join(" ")}
	server { listen 127.0.0.1:${port} backlog=4096; root ${directory}; }
}
`,
	);
	return file;
}

if (import.meta.main) {
	const [directory = "", port] = process.argv.slice(2);
	Bun.serve({
		hostname: "127.0.0.1",
		port: Number(port),
		fetch: (request) => new Response(Bun.file(join(directory, new URL(request.url).pathname))),
	});
}
