#!/bin/sh
# Starts Ceph's S3 (radosgw 16 of Debian: one monitor, one OSD in memory) in a folder of its own and keeps running until
# it is ended; then everything is gone. Needs root for the packages only:
#   apt-get install --no-install-recommends radosgw ceph-mon ceph-osd
# usage: start.sh FOLDER PORT   (the monitor takes PORT + 1 and PORT + 2)
set -eu
dir=$1
port=$2
mkdir -p "$dir/mon" "$dir/osd" "$dir/rgw" "$dir/run" "$dir/log"
fsid=$(cat /proc/sys/kernel/random/uuid)
address="127.0.0.1:$((port + 1))"

cat >"$dir/ceph.conf" <<CONF
[global]
fsid = $fsid
mon_host = [v2:127.0.0.1:$((port + 2)),v1:$address]
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
auth_cluster_required = cephx
auth_service_required = cephx
auth_client_required = cephx
auth_allow_insecure_global_id_reclaim = false
keyring = $dir/keyring
run_dir = $dir/run
admin_socket = $dir/run/\$cluster-\$name.asok
log_file = $dir/log/\$name.log
pid_file =
setuser_match_path =
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_warn_on_pool_no_redundancy = false
mon_max_pg_per_osd = 1000
[mon.a]
mon_data = $dir/mon/a
mon_data_avail_crit = 1
[osd.0]
osd_objectstore = memstore
memstore_device_bytes = 1073741824
osd_data = $dir/osd/0
osd_journal = $dir/osd/0/journal
[client.rgw]
rgw_frontends = beast endpoint=127.0.0.1:$port
rgw_data = $dir/rgw
rgw_thread_pool_size = 64
CONF
export CEPH_CONF="$dir/ceph.conf"

pids=
stop() {
  trap - EXIT INT TERM
  # Nothing is worth saving, and radosgw would wait for an OSD that is gone.
  # shellcheck disable=SC2086
  kill -9 $pids 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$dir"
}
trap stop EXIT
trap 'exit 0' INT TERM

ceph-authtool "$dir/keyring" --create-keyring --gen-key -n mon. --cap mon 'allow *' >/dev/null
ceph-authtool "$dir/keyring" --gen-key -n client.admin \
  --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *' >/dev/null
ceph-authtool "$dir/keyring" --gen-key -n osd.0 --cap mon 'allow profile osd' --cap osd 'allow *' >/dev/null
ceph-authtool "$dir/keyring" --gen-key -n client.rgw --cap mon 'allow rw' --cap osd 'allow rwx' >/dev/null
monmaptool --create --fsid "$fsid" --addv a "[v2:127.0.0.1:$((port + 2)),v1:$address]" "$dir/monmap" >/dev/null
ceph-mon --mkfs -i a --monmap "$dir/monmap" --keyring "$dir/keyring"
ceph-mon -f -i a >"$dir/log/mon.out" 2>&1 &
pids="$pids $!"

admin() { timeout 30 ceph --name client.admin --keyring "$dir/keyring" "$@"; }
osd=$(cat /proc/sys/kernel/random/uuid)
admin osd new "$osd" >/dev/null
mkdir -p "$dir/osd/0"
ceph-osd -i 0 --mkfs --osd-uuid "$osd" >/dev/null 2>&1
ceph-osd -f -i 0 >"$dir/log/osd.out" 2>&1 &
pids="$pids $!"
admin osd crush add osd.0 1.0 root=default >/dev/null 2>&1 || true

radosgw -f --name client.rgw >"$dir/log/rgw.out" 2>&1 &
pids="$pids $!"
tries=0
until curl -fs -o /dev/null "http://127.0.0.1:$port/"; do
  tries=$((tries + 1))
  if [ "$tries" -gt 120 ]; then
    echo 'radosgw did not answer within two minutes' >&2
    tail -n 5 "$dir"/log/*.out >&2
    exit 1
  fi
  sleep 1
done
radosgw-admin --name client.admin user create --uid tokens --display-name tokens \
  --access-key local --secret-key local-secret >/dev/null 2>&1
echo "ready http://127.0.0.1:$port"
wait
