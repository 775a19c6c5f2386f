# Calls every kind of method of grpc-server.py; an assertion that fails ends it. Usage: grpc-client.py PORT
import queue
import sys

import grpc

with grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}") as channel:
    reverse = channel.unary_unary("/test/Reverse")
    calls = [(f"call {i}".encode(), reverse.future(f"call {i}".encode())) for i in range(200)]
    assert all(call.result() == text[::-1] for text, call in calls)

    for i, chunk in enumerate(channel.unary_stream("/test/Download")(b"")):
        assert chunk == bytes([i]) * 256 * 1024
    assert i == 63

    upload = channel.stream_unary("/test/Upload")
    assert upload(b"x" * 1_000_000 for _ in range(16)) == b"16000000"

    # A message is sent once the answer to the one before has come.
    sending = queue.Queue()
    chat = channel.stream_stream("/test/Chat")(iter(sending.get, None))
    for i in range(200):
        sending.put(f"message {i}".encode())
        assert next(chat) == f"MESSAGE {i}".encode()
    sending.put(None)
    assert list(chat) == []
    assert ("count", "200") in [tuple(pair) for pair in chat.trailing_metadata()]

    try:
        channel.unary_unary("/test/Fail")(b"")
        raise AssertionError("a failed call that succeeds")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.FAILED_PRECONDITION
        assert error.details() == "not today"

    silent = channel.unary_unary("/test/Silent")
    try:
        silent(b"", timeout=0.5)
        raise AssertionError("a deadline that does not count")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert reverse(b"abc") == b"cba"
print("done")
