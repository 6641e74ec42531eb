# Ends everything that carries MARK in its environment, and removes FOLDER, once its stdin closes.
#
# The testbed holds the other end: the kernel closes it however the testbed ends, also by kill -9.
# A line "leave" calls it off. KILL and not TERM: what dies here is thrown away, and a graceful end
# of an API server takes a minute.
#
# usage: sh -c "$(cat watchdog.sh)" watchdog MARK FOLDER KEEP
trap '' HUP INT TERM
mark=$1 folder=$2 keep=$3

while read -r word; do
    [ "$word" = leave ] && exit 0
done

marked() {
    grep -l -z -x -F -e "$mark" /proc/[0-9]*/environ 2>/dev/null | cut -d / -f 3
}

# Looks again after killing: one that was being started when we looked first is found the second time.
rounds=200
calm=0
while [ $calm -lt 2 ] && [ $rounds -gt 0 ]; do
    rounds=$((rounds - 1))
    pids=$(marked)
    if [ -z "$pids" ]; then
        calm=$((calm + 1))
    else
        calm=0
        kill -KILL $pids 2>/dev/null
    fi
    sleep 0.02
done
[ "$keep" = keep ] || rm -rf "$folder"
