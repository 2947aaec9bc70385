#!/usr/bin/env bash
# Certifies the S3 driver on Ceph's radosgw, which is too large for every run: `bash tests/radosgw.sh --case 'upload.*'`.
# Needs Debian's packages radosgw, ceph-mon, ceph-osd and ceph-common, and what `cargo xtask build` makes. All of it listens on loopback, keeps its data in
# memory and in a temporary directory, and is stopped at the end. Arguments go to `cofferdam certify`.
set -euo pipefail
cd "$(dirname "$0")/.."

home=$(mktemp -d)
running=()
stop() {
    ((${#running[@]})) && kill "${running[@]}" 2>/dev/null
    wait
    rm -rf "$home"
}
trap stop EXIT

free_ports() {
    python3 -c 'import socket; s = [socket.socket() for _ in range(3)]; [x.bind(("127.0.0.1", 0)) for x in s]; print(*[x.getsockname()[1] for x in s])'
}
read -r monitor monitor_v1 gateway < <(free_ports)
cluster=$(cat /proc/sys/kernel/random/uuid)
disk=$(cat /proc/sys/kernel/random/uuid)
access=AKIDCOFFERDAMTEST
secret=a/secret+that/enters/no/sandbox
mkdir -p "$home"/{run,osd/0}

cat >"$home/ceph.conf" <<CONF
[global]
fsid = $cluster
mon host = [v2:127.0.0.1:$monitor/0,v1:127.0.0.1:$monitor_v1/0]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
mon allow pool size one = true
mon data = $home/mon
osd data = $home/osd/\$id
osd objectstore = memstore
memstore device bytes = 4294967296
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
run dir = $home/run
admin socket = $home/run/\$name.\$pid.asok
log file = $home/\$name.log
pid file = $home/run/\$name.pid
[client.rgw]
ms mon client mode = crc
auth client required = none
rgw data = $home/rgw
rgw frontends = beast endpoint=127.0.0.1:$gateway
CONF
conf=(-c "$home/ceph.conf")

monmaptool --create --fsid "$cluster" --addv a "[v2:127.0.0.1:$monitor,v1:127.0.0.1:$monitor_v1]" "$home/monmap" >/dev/null
ceph-mon "${conf[@]}" --mkfs -i a --monmap "$home/monmap"
ceph-mon "${conf[@]}" -i a -f >"$home/mon.out" 2>&1 &
running+=($!)
ceph "${conf[@]}" --connect-timeout 30 osd new "$disk" >/dev/null
ceph-osd "${conf[@]}" -i 0 --mkfs --osd-uuid "$disk" 2>/dev/null
ceph-osd "${conf[@]}" -i 0 -f >"$home/osd.out" 2>&1 &
running+=($!)
radosgw-admin "${conf[@]}" -n client.rgw user create --uid=test --display-name=test --access-key="$access" --secret-key="$secret" >/dev/null
radosgw "${conf[@]}" -n client.rgw -f >"$home/rgw.out" 2>&1 &
running+=($!)
curl --silent --retry 60 --retry-connrefused --retry-delay 1 --output /dev/null "http://127.0.0.1:$gateway/"
curl --silent --show-error --fail --aws-sigv4 aws:amz:us-east-1:s3 --user "$access:$secret" --header 'x-amz-content-sha256: UNSIGNED-PAYLOAD' \
    --header 'content-length: 0' --request PUT "http://127.0.0.1:$gateway/cofferdam"

printf '[test]\naws_access_key_id = %s\naws_secret_access_key = %s\n' "$access" "$secret" >"$home/credentials"
cat >"$home/grant.toml" <<GRANT
[settings]
bucket = "cofferdam"
endpoint = "http://127.0.0.1:$gateway"
path-style = true
conditional-put = true
checksum = "crc64nvme"
put-max = 16777216
[[http]]
allow = "http://127.0.0.1:$gateway"
path = "/cofferdam"
addresses = ["127.0.0.1/32"]
sign = { scheme = "aws-sigv4", region = "us-east-1", credentials-file = "credentials", profile = "test" }
GRANT
target/release/cofferdam certify target/drivers/s3.wasm --grant "$home/grant.toml" --place prefix "$@"
