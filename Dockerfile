# The image.  ./build-image.sh makes the same bits of it each time; `docker build .` makes the
# same files, with the times of the day.
#
#   BASE       Debian 13, the slim variant, by digest
#   SNAPSHOT   the day of Debian's archive that packages come from
#   MIRROR     a mirror to take instead of the snapshots' archive
#   PINNED     no: other versions than those in pinned-packages.txt will do
ARG BASE=docker.io/library/debian:trixie-slim@sha256:a29215f6a35e51e22adffa17f89e9d2ef06214e64a2bad10d765c46aea49f11f
ARG COMPILER="gcc libc6-dev make pkgconf libcurl4-openssl-dev libcjson-dev libevent-dev \
libldns-dev libexpat1-dev libssl-dev"
ARG PROGRAMS="haproxy certbot ca-certificates libcjson1 libcurl4t64 libevent-2.1-7t64 libexpat1 \
libldns3t64 libssl3t64"

# ---- where packages come from

FROM ${BASE} AS archive
ARG SNAPSHOT=20261126T000000Z
ARG MIRROR=
COPY .ci/image /image/
RUN /image/prepare

# ---- what pinned-packages.txt says, for build-image.sh --update-pins

FROM archive AS resolver
ARG COMPILER
ARG PROGRAMS
RUN /image/pins "$COMPILER" "$PROGRAMS" >/image/pins.txt

FROM scratch AS pins
COPY --from=resolver /image/pins.txt /

# ---- the base, brought to these versions

FROM archive AS base
ARG PINNED=yes
COPY pinned-packages.txt /image/
RUN /image/install

# ---- compiling

FROM base AS builder
ARG COMPILER
RUN /image/install $COMPILER
COPY . /src
ARG VERSION=unknown
ARG REVISION=unknown
ARG SOURCE=unknown
RUN set -eu; \
    make -s -C /src -j"$(nproc)" CFLAGS=-g0 all; \
    make -s -C /src CFLAGS=-g0 DESTDIR=/out install; \
    strip /out/usr/local/bin/*; \
    install -D -m 644 /src/LICENSE /out/usr/share/doc/dstack-ingress/copyright; \
    install -d /out/etc/dstack-ingress; \
    printf 'org.opencontainers.image.%s\n' "version=$VERSION" "revision=$REVISION" "source=$SOURCE" \
        >/out/etc/dstack-ingress/build-info

# ---- what runs

FROM base AS runtime
ARG PROGRAMS
RUN /image/install $PROGRAMS
COPY --from=builder /out/ /
RUN /image/trim

# ---- the image: one layer, so that what was taken away is not in it

FROM scratch
ARG VERSION=unknown
ARG REVISION=unknown
COPY --from=runtime /root-of-image/ /
LABEL org.opencontainers.image.title="dstack-ingress" \
      org.opencontainers.image.description="TLS-terminating TCP ingress for confidential apps" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# What certbot loads has been compiled (.ci/image/compile.py); what else Python compiles it does not keep,
# since that would be in the container's memory.
ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin \
    PYTHONDONTWRITEBYTECODE=1
EXPOSE 443
STOPSIGNAL SIGTERM
# A first certificate may take minutes; one that is there, a second.
HEALTHCHECK --interval=15s --timeout=10s --start-period=15m --retries=3 \
        CMD ["ingressctl", "health"]
# No entry point: "docker run IMAGE ingressctl verify https://HOST" is what a client of a site types.
CMD ["ingressd"]
