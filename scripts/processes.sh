# Sourced by the scripts that keep something running: files that remember a process, and ports to listen on. A process id comes back,
# after a reboot at the latest, so beside it stands when the process began.

# When a process began, in a form that no two of one id share; nothing when there is none.
began() {
    local stat
    if [ -r /proc/self/stat ]; then
        stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
        # The name, in parentheses, may hold anything; the 20th field behind it counts from the start of the system.
        # shellcheck disable=SC2086
        set -- ${stat##*) }
        echo "${20}-$(cat /proc/sys/kernel/random/boot_id)"
    else
        ps -o lstart= -p "$1" | tr -s ' ' -
    fi
}

# Whether a process is there, and not only waiting for its end to be noticed. One that was killed goes thread by thread (Zl), and
# its sockets and locks with the last.
alive() { case "$(ps -o stat= -p "$1")" in Z*l*) ;; "" | Z*) return 1 ;; esac; }

# remember FILE PID; one that has gone already is not worth it.
remember() {
    local since
    since=$(began "$2")
    if [ -n "$since" ]; then echo "$2 $since" >"$1"; fi
}

# The id of the process that a file remembers; nothing when that one has gone. Where an id stands alone it is taken for that process,
# so that nothing is left running, or loses its files while it runs, because its beginning was not written down.
remembered() {
    local pid="" since=""
    # What others have written may end without a line break.
    { read -r pid since <"$1"; } 2>/dev/null || [ -n "$pid" ] || return 0
    if [ "$(began "$pid")" = "${since:-$(began "$pid")}" ] && alive "$pid"; then echo "$pid"; fi
}

# free_ports COUNT: ports of the loopback interface that are free, a line each. All are held until all are found, so that none comes
# twice; and none is of those that the system gives away by itself, so that it is free still when its process starts, or starts again.
free_ports() {
    python3 - "$1" <<'PYTHON'
import random, socket, sys
held, count = [], int(sys.argv[1])
for port in random.sample(range(20000, 32000), 12000):
    if len(held) == count:
        break
    holder = socket.socket()
    try:
        holder.bind(("127.0.0.1", port))
        held.append(holder)
    except OSError:
        holder.close()
if len(held) < count:
    sys.exit("no free port was found")
print(*(holder.getsockname()[1] for holder in held), sep="\n")
PYTHON
}
