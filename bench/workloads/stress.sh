# One stress-ng stressor with fixed work and verification: stress.sh NAME OPTION ... Prints the operations it did.
name=$1
shift
stress-ng --"$name" 1 --verify --metrics --no-rand-seed --temp-path . "$@" > stress.out 2>&1 ||
  { cat stress.out >&2; exit 1; }
awk -v name="$name" '$2 == "metrc:" && $4 == name && !found { print name, $5, "operations"; found = 1 }
                     / (fail|error):/ { failed = 1 }
                     END { exit !found || failed }' stress.out || { cat stress.out >&2; exit 1; }
