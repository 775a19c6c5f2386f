// The hub's machine is the namespace of the tests themselves, each peer's is another one, so that all can use the same
// ports. Cables (veth pairs) lead to a switch on the hub's. A peer's namespace lives as long as the process that holds it.
import { Process } from "../chaos/process.ts";

/** Why no other machines can be made here; undefined if they can. */
export function wiresRefused(): string | undefined {
	if (process.platform !== "linux") return "network namespaces exist on Linux only";
	const missing = ["ip", "unshare", "nsenter"].find((name) => !Bun.which(name));
	if (missing) return `${missing} is not installed`;
	const routes = Bun.spawnSync(["ip", "route", "show", "default"]);
	// Hub and peers bind every address: nothing may leave this machine.
	if (routes.exitCode !== 0 || routes.stdout.length > 0) return "the tests do not run in a namespace without a network";
	const tried = Bun.spawnSync(["sh", "-c", "ip link add name try0 type bridge && ip link del try0"]);
	return tried.exitCode === 0 ? undefined : `bridges are not allowed here: ${tried.stderr.toString().trim()}`;
}

export class Machine implements AsyncDisposable {
	#holder: Process;
	#cable: string;

	private constructor(holder: Process, cable: string) {
		this.#holder = holder;
		this.#cable = cable;
	}

	/** `number` tells machines that live at the same time apart: 2 to 254. */
	static async create(number: number): Promise<Machine> {
		const hold = ["unshare", "-n", "sh", "-c", "ip link set lo up && echo ready && exec cat"];
		const holder = new Process(`machine ${number}`, [], hold);
		const machine = new Machine(holder, `to-peer${number}`);
		try {
			await holder.line(/^ready$/);
			run(
				[],
				"ip link show switch >/dev/null 2>&1 || ip link add name switch type bridge",
				"ip address replace 10.204.0.1/24 dev switch",
				"ip link set switch up",
				`ip link add name ${machine.#cable} type veth peer name eth0 netns ${holder.pid}`,
				`ip link set ${machine.#cable} master switch up`,
			);
			run(
				machine.inside,
				// Without an IPv6 address of the link, which is there a second or two later: a browser that loads a page at that
				// time drops its requests (ERR_NETWORK_CHANGED).
				"ip link set eth0 addrgenmode none",
				`ip address add 10.204.0.${number}/24 dev eth0`,
				"ip link set eth0 up",
			);
		} catch (error) {
			await machine[Symbol.asyncDispose]();
			throw error;
		}
		return machine;
	}

	/** The words in front of a command that make it run there. */
	get inside(): string[] {
		return [Bun.which("nsenter") as string, "-t", `${this.#holder.pid}`, "-n"];
	}

	/** Pulls the cable out of the hub's machine; both ends see it. */
	unplug(): void {
		run([], `ip link set ${this.#cable} down`);
	}

	plugIn(): void {
		run([], `ip link set ${this.#cable} up`);
	}

	/** The cable goes with the namespace. */
	async [Symbol.asyncDispose](): Promise<void> {
		await this.#holder[Symbol.asyncDispose]();
	}
}

// --- internal ---

function run(inside: readonly string[], ...commands: string[]): void {
	const { exitCode, stderr } = Bun.spawnSync([...inside, "sh", "-ec", commands.join("\n")]);
	if (exitCode !== 0) throw new Error(`${stderr.toString().trim()} (${commands.join("; ")})`);
}
