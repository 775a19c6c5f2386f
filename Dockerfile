# syntax=docker/dockerfile:1
# The one file in an image without a shell. Built from executables that `bun build.ts --target linux-x64` (or linux-arm64)
# made: `docker build .` compiles nothing. What it promises is tested without an engine: test/container.

# Docker's names of the processors, which BuildKit puts into TARGETARCH, and ours.
FROM scratch AS amd64
COPY --chmod=755 dist/linux-x64/hivemind-p2p /
FROM scratch AS arm64
COPY --chmod=755 dist/linux-arm64/hivemind-p2p /
FROM ${TARGETARCH} AS program

# "cc": glibc 2.36 and libgcc_s, which the native library needs (2.34 or newer); there is no static build.
FROM gcr.io/distroless/cc-debian12:nonroot
LABEL org.opencontainers.image.licenses="MIT"
COPY --from=program /hivemind-p2p /hivemind-p2p
# Nothing is written: works with --read-only, --cap-drop=ALL and --security-opt=no-new-privileges.
USER 65532:65532
# Proves that the file is whole and can be run here, with its system libraries. It does not ask a running hub or peer
# anything: those end by themselves, with a status, when they cannot do their work, and the restart policy sees that.
HEALTHCHECK --interval=60s --timeout=10s --start-period=5s --retries=3 \
	CMD ["/hivemind-p2p", "--version"]
ENTRYPOINT ["/hivemind-p2p"]
CMD ["--help"]
