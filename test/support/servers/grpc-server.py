# gRPC itself, with methods that take and give bare bytes, so that nothing has to be generated.
import threading
from concurrent import futures

import grpc

CHUNK = 256 * 1024
CHUNKS = 64


def reverse(request, context):
    return request[::-1]


def download(request, context):
    for i in range(CHUNKS):
        yield bytes([i]) * CHUNK


def upload(requests, context):
    return str(sum(len(request) for request in requests)).encode()


def chat(requests, context):
    count = 0
    for request in requests:
        count += 1
        yield request.upper()
    context.set_trailing_metadata((("count", str(count)),))


def fail(request, context):
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not today")


def silent(request, context):
    over = threading.Event()
    context.add_callback(over.set)
    print("silence has begun", flush=True)
    over.wait()
    print("silence is over", flush=True)
    return b""


METHODS = {
    "/test/Reverse": grpc.unary_unary_rpc_method_handler(reverse),
    "/test/Download": grpc.unary_stream_rpc_method_handler(download),
    "/test/Upload": grpc.stream_unary_rpc_method_handler(upload),
    "/test/Chat": grpc.stream_stream_rpc_method_handler(chat),
    "/test/Fail": grpc.unary_unary_rpc_method_handler(fail),
    "/test/Silent": grpc.unary_unary_rpc_method_handler(silent),
}


class Service(grpc.GenericRpcHandler):
    def service(self, details):
        return METHODS.get(details.method)


server = grpc.server(futures.ThreadPoolExecutor(16), handlers=(Service(),))
port = server.add_insecure_port("127.0.0.1:0")
server.start()
print("listening", port, flush=True)
server.wait_for_termination()
