# Speaks over connections that are half closed. "echo\n": reads until the client shuts its side, then sends all of it
# back. "first COUNT\n": sends COUNT bytes, shuts its own side, and only then reads; says on stdout what it has read.
import hashlib
import socket
import socketserver


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        command, *arguments = self.rfile.readline().split()
        if command == b"echo":
            self.wfile.write(self.rfile.read())
        else:
            self.wfile.write(b"x" * int(arguments[0]))
            self.request.shutdown(socket.SHUT_WR)
            read = self.rfile.read()
            print("read", len(read), hashlib.sha256(read).hexdigest(), flush=True)


with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
    print("listening", server.server_address[1], flush=True)
    server.serve_forever()
