# The one file in an image without a shell. `docker build .` compiles nothing: it takes the executable that
# `bun build.ts --target linux-x64` (or linux-arm64) has made. test/container tests what the image promises.
# No `syntax` line: the frontend that BuildKit contains knows all of this, and another would be fetched and run.

# From Docker's names of the processors, which BuildKit puts into TARGETARCH, to ours.
FROM scratch AS amd64
COPY --chmod=755 dist/linux-x64/hivemind-p2p /
FROM scratch AS arm64
COPY --chmod=755 dist/linux-arm64/hivemind-p2p /
FROM ${TARGETARCH} AS program

# Pinned by digest for a release, which refuses it otherwise: `bun build/pin-images.ts` (RELEASING.md).
# "cc" has glibc 2.36 and libgcc_s. The native library needs glibc 2.34 or newer; there is no static build of it.
FROM gcr.io/distroless/cc-debian12:nonroot
LABEL org.opencontainers.image.licenses="MIT"
COPY --from=program /hivemind-p2p /hivemind-p2p
# Writes nothing, so it works with --read-only, --cap-drop=ALL and --security-opt=no-new-privileges.
USER 65532:65532
# Where `share` and `join` serve their status, and `status` asks for it: on the container's own loopback, so for nobody
# else. The check fails while a hub cannot be joined or a peer is not connected. A container with another command has no
# status: a mailbox server is asked at its own port, by this variable (docs/containers.md).
ENV HIVEMIND_P2P_STATUS_ADDR=127.0.0.1:4040
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 \
	CMD ["/hivemind-p2p", "status", "--check"]
ENTRYPOINT ["/hivemind-p2p"]
CMD ["--help"]
