// A mailbox server in a process of its own, so that a test can kill it. Prints its URL.
import { startMailbox } from "../../src/wormhole/server/server.ts";

const server = startMailbox({ host: "127.0.0.1", port: Number(process.argv[2] ?? 0) });
process.stdout.write(`${server.url}\n`);
