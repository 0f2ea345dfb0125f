# What the servers that run on Java have in common; sourced after lib.sh.

# Ports that nobody asked for: below the range that the kernel gives away by itself.
free_port() {
  local port tries
  for (( tries = 0; tries < 60; tries++ )); do
    port=$(( 20000 + RANDOM % 12000 ))
    port_busy "$port" || { echo "$port"; return; }
  done
  die "no free port was found"
}

# mvn_copy FOLDER GROUP:NAME:VERSION…: jars with what they need at run time, once.
mvn_copy() {
  local folder=$1 one group name version work
  shift
  [[ ! -e $folder/.complete ]] || return 0
  need mvn maven
  work=$(mktemp -d)
  {
    echo '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
    echo '<groupId>local</groupId><artifactId>fetch</artifactId><version>1</version><packaging>pom</packaging><dependencies>'
    for one in "$@"; do
      IFS=: read -r group name version <<<"$one"
      echo "<dependency><groupId>$group</groupId><artifactId>$name</artifactId><version>$version</version></dependency>"
    done
    echo '</dependencies></project>'
  } >"$work/pom.xml"
  say "fetching $*"
  mkdir -p "$folder"
  if ! timeout 280 mvn -q -B -f "$work/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$folder" >"$work/log" 2>&1 </dev/null; then
    grep -a ERROR "$work/log" | head -3 >&2
    rm -rf "$work"
    die "mvn could not fetch $*"
  fi
  rm -rf "$work"
  touch "$folder/.complete"
}

# mvn_file FILE GROUP:NAME:VERSION:PACKAGING: one file, once.
mvn_file() {
  local file=$1 group name version packaging work
  [[ ! -s $file ]] || return 0
  need mvn maven
  IFS=: read -r group name version packaging <<<"$2"
  work=$(mktemp -d)
  say "fetching $2"
  if ! timeout 280 mvn -q -B dependency:copy -Dartifact="$2" -DoutputDirectory="$work" >"$work/log" 2>&1 </dev/null; then
    grep -a ERROR "$work/log" | head -3 >&2
    rm -rf "$work"
    die "mvn could not fetch $2"
  fi
  mv "$work/$name-$version.$packaging" "$file" || die "mvn left no $name-$version.$packaging"
  rm -rf "$work"
}

# java_at_least VERSION: the oldest java that is as new.
java_at_least() {
  local best='' found=999 java version
  for java in ${JAVA_HOME:+"$JAVA_HOME/bin/java"} "$(command -v java || true)" /usr/lib/jvm/*/bin/java; do
    [[ -n $java && -x $java ]] || continue
    version=$("$java" -version 2>&1 | sed -nE '1s/.*"([0-9]+)(\.[^"]*)?".*/\1/p')
    if [[ -n $version ]] && (( version >= $1 && version < found )); then
      best=$java
      found=$version
    fi
  done
  [[ -n $best ]] || die "there is no Java $1 or newer; its Debian package is openjdk-17-jdk-headless (scripts/install-packages servers)"
  readlink -f "$best"
}
