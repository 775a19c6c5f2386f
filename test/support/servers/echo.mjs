// The shortest service that people write for Node. It handles no errors: a reset that reaches it ends it.
import { createServer } from "node:net";

const server = createServer((socket) => socket.pipe(socket));
server.listen(Number(process.argv[2] ?? 0), "127.0.0.1", () => console.log(`listening ${server.address().port}`));
