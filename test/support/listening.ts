// Listens on TCP ports, given with commas between them, and then runs a command, whose status is its own. For a network
// namespace where all ports are free.
const [ports = "", ...command] = process.argv.slice(2);
for (const port of ports.split(",").filter(Boolean)) {
	Bun.listen({ hostname: "127.0.0.1", port: Number(port), socket: { data() {} } });
}
const child = Bun.spawn(command, { stdin: "inherit", stdout: "inherit", stderr: "inherit" });
process.exit(await child.exited);
