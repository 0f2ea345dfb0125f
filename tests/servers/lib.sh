# What the server scripts of this folder have in common. A script sources it and calls server_main "$@".
#
# A script sets NAME and defines:
#   server_install          fetches what is needed, once, by package clients only; fails when it cannot be had
#   server_start            prepares $DATA and starts the process(es) with spawn
#   server_ready            succeeds when the server answers
#   server_endpoints        prints KEY=VALUE lines
# and may define server_ports (chooses ports with choose_port and keeps them with save) and server_seed (after the first start).
#
# Standard output carries only KEY=VALUE lines; messages go to standard error.

set -u
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CACHE=${SPANBEAT_SERVERS:-${XDG_CACHE_HOME:-$HOME/.cache}/spanbeat-test-servers}
DIST=$CACHE/dist
ADDRESS=${SPANBEAT_ADDRESS:-127.0.0.1}

say() { printf '%s: %s\n' "${LABEL:-$NAME}" "$*" >&2; }
die() { say "error: $*"; exit 1; }

# need COMMAND PACKAGE: what scripts/install-packages is to have installed.
need() { command -v "$1" >/dev/null 2>&1 || die "there is no $1; its Debian package is $2 (scripts/install-packages servers)"; }

# ---- ports

port_busy() { (exec 3<>"/dev/tcp/$ADDRESS/$1") 2>/dev/null; }

# choose_port SUFFIX DEFAULT: prints SPANBEAT_<NAME>_PORT<SUFFIX>, or the default.
choose_port() {
  local variable="SPANBEAT_${NAME^^}_PORT$1" port
  port=${!variable:-$2}
  case $port in *[!0-9]*) die "$variable=$port is no port" ;; esac
  if port_busy "$port"; then die "port $port of $ADDRESS is taken; set $variable to choose another"; fi
  echo "$port"
}

# ---- processes: recorded with their time of start, so that nothing else is ever ended

start_time() { # of process $1, in ticks since the machine's start
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  set -- ${stat##*) }
  echo "${20}"
}

alive() { # PID TIME: it is that process, and no zombie
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  set -- "$2" ${stat##*) }
  [[ $2 != Z && ${21} == "$1" ]]
}

# spawn COMMAND…: starts it in a session of its own, output into $LOG, and records it. RUN_AS=user: as that user.
spawn() {
  local before=()
  if [[ -n ${RUN_AS:-} && $(id -u) == 0 ]]; then
    before=(setpriv --reuid="$RUN_AS" --regid="$(id -g "$RUN_AS")" --clear-groups --)
  fi
  (cd "$DATA" && exec setsid "${before[@]}" "$@") </dev/null >>"$LOG" 2>&1 9>&- &
  local pid=$!
  disown "$pid"
  echo "$pid $(start_time "$pid" || echo 0)" >>"$STATE/pids"
}

running() { # every recorded process is
  [[ -s $STATE/pids ]] || return 1
  local pid time
  while read -r pid time; do alive "$pid" "$time" || return 1; done <"$STATE/pids"
}

end_processes() { # the last one first: TERM, and after 20 s KILL
  [[ -s $STATE/pids ]] || return 0
  local pid time tries
  while read -r pid time; do
    alive "$pid" "$time" || continue
    kill -CONT "$pid" 2>/dev/null
    kill -TERM "$pid" 2>/dev/null
    for (( tries = 0; tries < 400; tries++ )); do
      alive "$pid" "$time" || break
      sleep 0.05
    done
    if alive "$pid" "$time"; then
      say "process $pid did not stop: KILL"
      kill -KILL -- "-$pid" 2>/dev/null || kill -KILL "$pid" 2>/dev/null
    fi
  done < <(tac "$STATE/pids")
  rm -f "$STATE/pids"
}

# ---- commands

save() { # KEY VALUE: kept for status, down and a later up
  printf '%s=%q\n' "$1" "$2" >>"$STATE/vars"
  printf -v "$1" '%s' "$2"
}

load() {
  # shellcheck disable=SC1091
  [[ ! -s $STATE/vars ]] || . "$STATE/vars"
}

install_once() { # several instances may be started at the same time
  mkdir -p "$DIST"
  (
    flock -w 300 8 || die "another installation does not end"
    server_install 9>&-
  ) 8>"$CACHE/install.lock" || exit 1
}

failed() {
  tail -20 "$LOG" >&2
  end_processes
  die "$*"
}

launch() {
  local limit=$(( SECONDS + ${READY_SECONDS:-60} ))
  server_start || failed "could not be started"
  until server_ready >/dev/null 2>&1; do
    running || failed "ended during its start"
    (( SECONDS < limit )) || failed "not ready in time"
    sleep 0.05
  done
  say "ready, process $(cut -d' ' -f1 "$STATE/pids" | tr '\n' ' ')data $DATA, log $LOG"
}

forget() {
  end_processes
  case ${DATA:-} in */spanbeat-"$NAME".*) rm -rf "$DATA" ;; esac
  rm -f "$STATE/vars" "$STATE/pids"
}

up() {
  load
  if running; then
    say "is up"
  elif [[ -d ${DATA:-} ]]; then # after stop or kill: on its data and ports
    end_processes
    : >"$LOG"
    launch
  else
    forget
    : >"$LOG"
    install_once
    trap forget EXIT
    save DATA "$(mktemp -d "${TMPDIR:-/tmp}/spanbeat-$NAME.XXXXXX")"
    chmod 755 "$DATA"
    if declare -F server_ports >/dev/null; then server_ports; fi
    launch
    if declare -F server_seed >/dev/null; then server_seed >>"$LOG" 2>&1 || failed "could not be filled"; fi
    trap - EXIT
  fi
  server_endpoints
}

signal_all() {
  running || die "not up"
  local pid time
  while read -r pid time; do kill -"$1" "$pid"; done <"$STATE/pids"
}

server_main() {
  LABEL=$NAME${SPANBEAT_INSTANCE:+-$SPANBEAT_INSTANCE}
  STATE=$CACHE/run/$LABEL
  LOG=$STATE/log
  case ${1:-} in
    up | down | status | stop | kill | pause | resume | log | install) ;;
    *) echo "usage: ${0##*/} up | down | status | stop | kill | pause | resume | log | install" >&2; exit 2 ;;
  esac
  if [[ $1 == install ]]; then install_once; return; fi
  mkdir -p "$STATE" || exit 1
  exec 9>"$STATE/lock"
  flock -w 120 9 || die "another command for it does not end"
  case $1 in
    up) up ;;
    down) load; forget; rm -rf "$STATE" ;;
    status) running || { say "not up"; exit 3; }; load; server_endpoints ;;
    stop) end_processes ;;
    kill) signal_all KILL; rm -f "$STATE/pids" ;;
    pause) signal_all STOP ;;
    resume) signal_all CONT ;;
    log) cat "$LOG" ;;
  esac
}
