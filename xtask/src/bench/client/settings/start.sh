#!/bin/sh
set -eu
NODE_ID=@hex@
DATA_DIR=/var/lib/service-@number@
PEERS="@host@:@port@ @host@:@port@ @host@:@port@"
RELEASE=@version@
CONFIG_HASH=@hex@@hex@

mkdir -p "$DATA_DIR"
chmod 0700 "$DATA_DIR"

for peer in $PEERS; do
  attempts=0
  until nc -z "${peer%:*}" "${peer#*:}"; do
    attempts=$((attempts + 1))
    if [ "$attempts" -gt @number@ ]; then
      echo "gave up waiting for $peer" >&2
      exit 1
    fi
    echo "waiting for $peer"
    sleep @number@
  done
done

if [ ! -f "$DATA_DIR/initialised" ]; then
  /usr/local/bin/service init --id "$NODE_ID" --data "$DATA_DIR" --cluster @hex@
  touch "$DATA_DIR/initialised"
fi

/usr/local/bin/service migrate --data "$DATA_DIR" --to "$RELEASE" --timeout @duration@
exec /usr/local/bin/service run \
  --id "$NODE_ID" \
  --data "$DATA_DIR" \
  --listen "0.0.0.0:@port@" \
  --advertise "@host@:@port@" \
  --cache-size @number@Mi \
  --compaction-interval @duration@ \
  --tls=@bool@ \
  --log-level info
